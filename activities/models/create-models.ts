import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import type { LanguageModelV3 } from '@ai-sdk/provider';
import { createAiSdkModel } from './ai-sdk-model.ts';
import { createDemoModel } from './demo-model.ts';
import { ModelFailure, type Models } from './model.ts';

export interface ModelSettings {
  openaiApiKey?: string | undefined;
  /** Where `openai-compatible` is found; `openai` too, where it is not OpenAI's own. */
  openaiBaseUrl?: string | undefined;
  anthropicApiKey?: string | undefined;
  anthropicBaseUrl?: string | undefined;
  /** Milliseconds between two words of the demo model. */
  demoWordMs?: number | undefined;
}

/** How a provider makes a model out of its id. */
type Provider = (id: string) => LanguageModelV3;

/**
 * Finds models by `provider/id`: `openai`, `anthropic`, `openai-compatible`, and `demo`, which needs no key. An id may hold
 * slashes. Addresses are always given, so that the packages do not look for them in the environment.
 */
export function createModels(settings: ModelSettings): Models {
  const demo = createDemoModel({ wordMs: settings.demoWordMs });
  const secrets = [settings.openaiApiKey, settings.anthropicApiKey].flatMap((key) => key || []);
  return (name) => {
    const slash = name.indexOf('/');
    const [providerName, id] =
      slash < 0 ? [name, ''] : [name.slice(0, slash), name.slice(slash + 1)];
    if (providerName === 'demo') return demo;
    const provider = providerOf(providerName, settings);
    if (!id) throw notConfigured(`"${name}" names no model: write provider/id`);
    return createAiSdkModel({ name, model: provider(id), secrets });
  };
}

function providerOf(name: string, settings: ModelSettings): Provider {
  switch (name) {
    case 'openai':
      return createOpenAI({
        apiKey: required(settings.openaiApiKey, 'openai needs OPENAI_API_KEY'),
        baseURL: settings.openaiBaseUrl || 'https://api.openai.com/v1',
      });
    case 'anthropic':
      return createAnthropic({
        apiKey: required(settings.anthropicApiKey, 'anthropic needs ANTHROPIC_API_KEY'),
        baseURL: settings.anthropicBaseUrl || 'https://api.anthropic.com/v1',
      });
    case 'openai-compatible':
      return createOpenAICompatible({
        name,
        baseURL: required(settings.openaiBaseUrl, 'openai-compatible needs OPENAI_BASE_URL'),
        includeUsage: true,
        ...(settings.openaiApiKey && { apiKey: settings.openaiApiKey }),
      });
    default:
      throw notConfigured(
        `"${name}" is no known provider (openai, anthropic, openai-compatible, demo)`,
      );
  }
}

function required(value: string | undefined, problem: string): string {
  if (!value) throw notConfigured(problem);
  return value;
}

function notConfigured(problem: string): ModelFailure {
  const message = `The model is not configured: ${problem}.`;
  return new ModelFailure(message, { retryable: false, refused: true });
}
