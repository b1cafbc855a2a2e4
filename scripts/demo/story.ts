import type { DemoService } from './open-service.ts';
import type { Finding } from './proof.ts';
import type { Screen } from './screen.ts';

/** What was to be shown, and what came of it. */
export interface Chapter {
  title: string;
  findings: Finding[];
}

/** Tells a story with the service, which has just been started, onto the screen. */
export type Story = (service: DemoService, screen: Screen) => Promise<Chapter[]>;

export function newConversation(): string {
  return `conv_${crypto.randomUUID().replaceAll('-', '')}`;
}
