/** What the scripted model does in one run. It stands in the model's name, so that the model needs no other order. */
export interface ModelSpec {
  /** Tells runs apart: letters, digits and dashes. */
  key: string;
  /** Model calls of the run. All but the last end with a call of the tool `calculator`. */
  steps: number;
  /** Tokens that each call says. */
  tokens: number;
  /** Time between two tokens, in milliseconds; 0: as fast as they are taken. */
  intervalMs: number;
  /** Characters of a token, the stamp included; at least `STAMP_LENGTH`. */
  tokenLength: number;
  /** In the last step the model falls silent behind so many tokens, and keeps the connection; 0: it does not. */
  silentAfter: number;
}

const SHAPE = /^bench_([A-Za-z0-9-]+)_s(\d+)_t(\d+)_i(\d+)_l(\d+)_q(\d+)$/;

/** The model's name for a spec. */
export function modelName(spec: ModelSpec): string {
  const { key, steps, tokens, intervalMs, tokenLength, silentAfter } = spec;
  return `bench_${key}_s${steps}_t${tokens}_i${intervalMs}_l${tokenLength}_q${silentAfter}`;
}

/** The spec in a model's name, or null where it holds none. */
export function parseModelName(name: string): ModelSpec | null {
  const match = SHAPE.exec(name);
  if (!match) return null;
  const [steps, tokens, intervalMs, tokenLength, silentAfter] = match.slice(2).map(Number);
  return {
    key: match[1] ?? '',
    steps: steps ?? 1,
    tokens: tokens ?? 0,
    intervalMs: intervalMs ?? 0,
    tokenLength: tokenLength ?? 0,
    silentAfter: silentAfter ?? 0,
  };
}
