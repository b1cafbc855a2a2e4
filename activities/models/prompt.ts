import type {
  JSONSchema7,
  LanguageModelV3FunctionTool,
  LanguageModelV3Message,
} from '@ai-sdk/provider';
import type { PromptMessage, ToolCall, ToolSpec } from './model.ts';

/** The prompt in the AI SDK's form. An assistant message that says nothing is left out: providers refuse it. */
export function toPrompt(
  messages: readonly PromptMessage[],
  tools: readonly ToolSpec[],
): LanguageModelV3Message[] {
  const known = new Set(tools.map(({ name }) => name));
  const nameOf = (name: string) => (known.has(name) ? name : acceptable(name));
  return messages
    .filter(
      (message) => message.role !== 'assistant' || message.text || message.toolCalls.length > 0,
    )
    .map((message) => toMessage(message, nameOf));
}

/** The tools in the AI SDK's form. */
export function toFunctionTools(tools: readonly ToolSpec[]): LanguageModelV3FunctionTool[] {
  return tools.map(({ name, description, parameters }) => ({
    type: 'function',
    name,
    description,
    inputSchema: parameters as JSONSchema7,
  }));
}

type NameOf = (name: string) => string;

function toMessage(message: PromptMessage, nameOf: NameOf): LanguageModelV3Message {
  switch (message.role) {
    case 'system':
      return { role: 'system', content: message.text };
    case 'user':
      return { role: 'user', content: [{ type: 'text', text: message.text }] };
    case 'assistant':
      return {
        role: 'assistant',
        content: [
          ...(message.text ? [{ type: 'text' as const, text: message.text }] : []),
          ...message.toolCalls.map((call) => toCallPart(call, nameOf)),
        ],
      };
    case 'tool':
      return { role: 'tool', content: [toResultPart(message, nameOf)] };
  }
}

/**
 * A model may call a tool that there is not, by a name that no tool could have; providers then refuse every prompt that says it:
 * https://platform.openai.com/docs/api-reference/chat/create (`function.name`).
 */
function acceptable(name: string): string {
  return name.replace(/[^\w-]/g, '_').slice(0, 64) || 'unnamed';
}

function toCallPart({ callId, name, arguments: input }: ToolCall, nameOf: NameOf) {
  // Arguments that did not parse, or are no object, would make providers refuse the whole prompt.
  const isObject = typeof input === 'object' && input !== null && !Array.isArray(input);
  return {
    type: 'tool-call' as const,
    toolCallId: callId,
    toolName: nameOf(name),
    input: isObject ? input : { malformed_arguments: input },
  };
}

function toResultPart(
  { callId, name, output, isError }: PromptMessage & { role: 'tool' },
  nameOf: NameOf,
) {
  return {
    type: 'tool-result' as const,
    toolCallId: callId,
    toolName: nameOf(name),
    output: { type: isError ? ('error-text' as const) : ('text' as const), value: output },
  };
}
