package flagtest

import (
	"context"
	"fmt"

	"github.com/open-feature/go-sdk/openfeature"
)

// BooleanEvaluation implements [openfeature.FeatureProvider].
func (p *Provider) BooleanEvaluation(_ context.Context, flag string, otherwise bool, _ openfeature.FlattenedContext) openfeature.BoolResolutionDetail {
	return resolve(p, flag, otherwise)
}

// StringEvaluation implements [openfeature.FeatureProvider].
func (p *Provider) StringEvaluation(_ context.Context, flag string, otherwise string, _ openfeature.FlattenedContext) openfeature.StringResolutionDetail {
	return resolve(p, flag, otherwise)
}

// FloatEvaluation implements [openfeature.FeatureProvider].
func (p *Provider) FloatEvaluation(_ context.Context, flag string, otherwise float64, _ openfeature.FlattenedContext) openfeature.FloatResolutionDetail {
	return resolve(p, flag, otherwise)
}

// IntEvaluation implements [openfeature.FeatureProvider].
func (p *Provider) IntEvaluation(_ context.Context, flag string, otherwise int64, _ openfeature.FlattenedContext) openfeature.IntResolutionDetail {
	return resolve(p, flag, otherwise)
}

// ObjectEvaluation implements [openfeature.FeatureProvider].
func (p *Provider) ObjectEvaluation(_ context.Context, flag string, otherwise any, _ openfeature.FlattenedContext) openfeature.InterfaceResolutionDetail {
	return resolve(p, flag, otherwise)
}

func (p *Provider) lookup(flag string) (any, openfeature.ProviderResolutionDetail) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return nil, failed(openfeature.NewGeneralResolutionError(p.err.Error(), p.err))
	}
	if value, ok := p.cache[flag]; ok {
		return value, openfeature.ProviderResolutionDetail{Reason: openfeature.CachedReason, Variant: fmt.Sprint(value)}
	}
	value, ok := p.flags[flag]
	if ok && p.cache != nil {
		p.cache[flag] = value
	}
	if !ok {
		return nil, failed(openfeature.NewFlagNotFoundResolutionError(fmt.Sprintf("flag %q not found", flag)))
	}
	return value, openfeature.ProviderResolutionDetail{Reason: openfeature.StaticReason, Variant: fmt.Sprint(value)}
}

func failed(err openfeature.ResolutionError) openfeature.ProviderResolutionDetail {
	return openfeature.ProviderResolutionDetail{ResolutionError: err, Reason: openfeature.ErrorReason}
}

func resolve[T any](p *Provider, flag string, otherwise T) openfeature.GenericResolutionDetail[T] {
	found, detail := p.lookup(flag)
	if i, ok := found.(int); ok {
		found = int64(i) // the SDK knows no int
	}
	value, ok := found.(T)
	if !ok {
		value = otherwise
		if detail.Error() == nil {
			detail = failed(openfeature.NewTypeMismatchResolutionError(fmt.Sprintf("flag %q is a %T", flag, found)))
		}
	}
	return openfeature.GenericResolutionDetail[T]{Value: value, ProviderResolutionDetail: detail}
}
