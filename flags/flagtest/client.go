package flagtest

import (
	"context"
	"testing"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/isolated"
)

// NewClient returns a client of provider in an OpenFeature API of the test's own, so that tests can run in parallel
// without sharing the global one. It waits until the provider is ready, fails the test if it is not, and shuts the API
// down when the test ends: after the cleanups that were registered later, such as the Close of a source.
func NewClient(t testing.TB, provider openfeature.FeatureProvider) *openfeature.Client {
	t.Helper()
	api := isolated.NewAPI()
	t.Cleanup(func() {
		if err := api.Shutdown(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("flagtest: shut down: %v", err)
		}
	})
	domain := openfeature.WithDomain(t.Name())
	if err := api.SetProviderAndWait(t.Context(), provider, domain); err != nil {
		t.Fatalf("flagtest: %v", err)
	}
	return api.NewClient(domain)
}
