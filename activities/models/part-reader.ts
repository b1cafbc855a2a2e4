import type { LanguageModelV3StreamPart, LanguageModelV3ToolCall } from '@ai-sdk/provider';
import { cleanJson, cleanText, TextCleaner, type BlockKind } from '../../contract/text.ts';
import type { ModelPart } from './model.ts';

/** Turns the parts of one answer into ours: clean text, and call ids that are unique within the answer. */
export interface PartReader {
  read(part: LanguageModelV3StreamPart): ModelPart[];
  /** Text that was held back, because half a character stood at its end. */
  flush(): ModelPart[];
}

export function createPartReader(): PartReader {
  const callIds = new Set<string>();
  const begunIds = new Set<string>();
  let kind: BlockKind = 'text';
  let cleaner = new TextCleaner();

  const flush = () => textPart(kind, cleaner.flush());

  function say(nextKind: BlockKind, delta: string): ModelPart[] {
    const rest = nextKind === kind ? [] : flush();
    kind = nextKind;
    return [...rest, ...textPart(kind, cleaner.push(delta))];
  }

  function call(part: LanguageModelV3ToolCall): ModelPart[] {
    const callId = unusedId(cleanText(part.toolCallId), callIds);
    callIds.add(callId);
    const begun: ModelPart[] = begunIds.has(part.toolCallId) ? [] : [{ type: 'tool_call_begun' }];
    const name = cleanText(part.toolName);
    return [
      ...begun,
      { type: 'tool_call', call: { callId, name, arguments: parseArguments(part.input) } },
    ];
  }

  return {
    flush,
    read(part) {
      if (part.type === 'text-delta') return say('text', part.delta);
      if (part.type === 'reasoning-delta') return say('reasoning', part.delta);
      if (part.type === 'tool-call') return [...flush(), ...call(part)];
      if (part.type === 'tool-input-delta') {
        return [{ type: 'tool_call_delta', length: part.delta.length }];
      }
      if (part.type !== 'tool-input-start') return [];
      begunIds.add(part.id);
      return [...flush(), { type: 'tool_call_begun' }];
    },
  };
}

function textPart(kind: BlockKind, text: string): ModelPart[] {
  return text === '' ? [] : [{ type: 'text', kind, text }];
}

/** Some providers leave the id empty or give every call the same. */
function unusedId(id: string, used: ReadonlySet<string>): string {
  const base = id || 'call';
  let candidate = base;
  for (let n = 2; used.has(candidate); n += 1) candidate = `${base}_${n}`;
  return candidate;
}

/** Parsed JSON, or the raw text where it does not parse. No text at all is a call without arguments. */
function parseArguments(input: string): unknown {
  if (input.trim() === '') return {};
  try {
    return cleanJson(JSON.parse(input));
  } catch {
    return cleanText(input);
  }
}
