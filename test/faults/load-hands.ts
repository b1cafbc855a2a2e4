import { isMainThread } from 'node:worker_threads';
import type { Agent } from '../../agents/agent.ts';

// Loaded ahead of a process of the service. The worker's threads have no use for agents.
if (isMainThread) {
  const { agents } = await import('../../agents/index.ts');
  const { createHands } = await import('./hands.ts');
  (agents as Agent[]).push(...createHands());
}
