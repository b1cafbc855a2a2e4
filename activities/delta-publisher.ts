import { appendText, type Block, type BlockKind } from '../contract/text.ts';
import type { Relay } from '../relay/relay.ts';

/** Deltas that come faster than this are put together. */
const COALESCE_MS = 10;

export interface DeltaPublisher {
  /** Adds text to what the attempt has said, and publishes it: at once, or with its successors. */
  say(kind: BlockKind, text: string): void;
  /** Publishes what is held back. */
  flush(): void;
}

export interface DeltaPublisherOptions {
  relay: Relay;
  taskId: string;
  /** The workflow run of the attempt. */
  runId?: string | undefined;
  /** Newest log entry when the attempt began. */
  seq: number;
  step: number;
  attempt: number;
  /** What the attempt has said: the publisher appends to it. */
  blocks: Block[];
}

/** Sends an attempt's text to the relay as it comes. Never waits, never fails. */
export function createDeltaPublisher(options: DeltaPublisherOptions): DeltaPublisher {
  const { relay, taskId, runId, seq, step, attempt, blocks } = options;
  let held: { block: number; kind: BlockKind; offset: number; text: string } | null = null;
  let spoken = 0;
  let lastSentAt = -Infinity;
  let timer: NodeJS.Timeout | undefined;

  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (!held) return;
    relay.publish(taskId, { kind: 'delta', seq, piece: { step, attempt, ...held }, runId });
    held = null;
    lastSentAt = performance.now();
  };

  return {
    flush,
    say(kind, text) {
      if (text === '') return;
      appendText(blocks, kind, text);
      const block = blocks.length - 1;
      if (held && held.block !== block) flush();
      held ??= { block, kind, offset: spoken, text: '' };
      held.text += text;
      spoken += text.length;
      const waitMs = lastSentAt + COALESCE_MS - performance.now();
      if (waitMs <= 0) flush();
      else timer ??= setTimeout(flush, waitMs);
    },
  };
}
