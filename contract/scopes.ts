/** What an API key may be good for. `admin` includes the others, for the same owner, and reads the metrics. */
export const SCOPES = ['tasks:read', 'tasks:write', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];
