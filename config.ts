import { z } from 'zod';
import { present, readTemporal, type TemporalConfig, type Variables } from './temporal-config.ts';

const MODEL = /^(demo|(openai|anthropic|openai-compatible)\/\S+)$/;
const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

const wholeNumber = ({ min = 1, max = 2_147_483_647 } = {}) =>
  z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`));
const integer = (fallback: number, range?: { min?: number; max?: number }) =>
  wholeNumber(range).default(fallback);
const PORTS = { min: 0, max: 65_535 };
const httpUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
  .transform((url) => url.replace(/\/+$/, ''));
const postgresUrl = z.url({ protocol: /^postgres(ql)?$/, error: 'must be a postgres:// URL' });
const relayUrl = z.literal('in-process').or(
  z.url({
    protocol: /^(postgres(ql)?|rediss?)$/,
    error: 'must be a postgres://, redis:// or rediss:// URL, or in-process',
  }),
);
const origin = z.string().refine((text) => URL.parse(text)?.origin === text, {
  error: 'must be origins like https://app.example, with commas between them',
});

const setting = <Schema extends z.ZodType>(variable: string, schema: Schema) => ({
  variable,
  schema,
});

const SETTINGS = {
  /** While there are no API keys, a loopback address: the API looks when it starts. */
  host: setting('HOST', z.string().regex(/^\S+$/, 'must be an address').default('127.0.0.1')),
  /** 0: any free port. */
  port: setting('PORT', integer(8080, PORTS)),
  /** Where a worker serves its metrics, at `host`. 0: any free port. Left out: nowhere. An API serves them beside all else. */
  metricsPort: setting('HOLDFAST_METRICS_PORT', wholeNumber(PORTS).optional()),
  /** Folder of PGlite and of the development server's database. */
  dataDir: setting('DATA_DIR', z.string().default('.data')),
  /** Left out: PGlite in `dataDir`. */
  databaseUrl: setting('DATABASE_URL', postgresUrl.optional()),
  /** Left out: in process, or the database where there is a `databaseUrl`. */
  relayUrl: setting('RELAY_URL', relayUrl.optional()),
  /** Base of the links to runs in Temporal's Web UI, without a slash at its end. */
  temporalUiUrl: setting('TEMPORAL_UI_URL', httpUrl.default('http://127.0.0.1:8233')),
  taskQueue: setting('TASK_QUEUE', z.string().default('holdfast')),
  /** Name and version of a serverless worker's deployment. */
  deploymentName: setting('HOLDFAST_DEPLOYMENT', z.string().default('holdfast')),
  buildId: setting('HOLDFAST_BUILD_ID', z.string().optional()),
  /** File that `npm run bundle` has made. Left out: the workflow bundle is built at start. */
  workflowBundle: setting('HOLDFAST_WORKFLOW_BUNDLE', z.string().optional()),
  /** How often the schedule of the reconciler begins a shift, if none is under way. */
  reconcileEverySeconds: setting('HOLDFAST_RECONCILE_EVERY_S', integer(60)),
  /** The model of agents that name none. */
  model: setting(
    'MODEL',
    z
      .string()
      .regex(MODEL, 'must be demo, openai/<id>, anthropic/<id> or openai-compatible/<id>')
      .default('demo'),
  ),
  openaiApiKey: setting('OPENAI_API_KEY', z.string().optional()),
  openaiBaseUrl: setting('OPENAI_BASE_URL', httpUrl.optional()),
  anthropicApiKey: setting('ANTHROPIC_API_KEY', z.string().optional()),
  /** Origins whose pages may call the API. */
  corsOrigins: setting(
    'HOLDFAST_CORS_ORIGINS',
    z
      .string()
      .transform((list) => list.split(',').map((item) => item.trim()))
      .pipe(z.array(origin))
      .default([]),
  ),
  /** Time between two heartbeats of a step. */
  heartbeatMs: setting('HOLDFAST_HEARTBEAT_MS', integer(200, { min: 10 })),
  /** Heartbeats of all steps of one worker together; with more steps at once each is heartbeated more rarely. */
  maxHeartbeatsPerSecond: setting('HOLDFAST_MAX_HEARTBEATS_PER_S', integer(50)),
  /** An attempt without a heartbeat for this long is lost. */
  heartbeatTimeoutMs: setting('HOLDFAST_HEARTBEAT_TIMEOUT_MS', integer(5000)),
  /** Steps of a run that sets no limit of its own. */
  maxSteps: setting('HOLDFAST_MAX_STEPS', integer(50)),
  /** Duration of a run that sets no limit of its own. */
  taskTimeoutSeconds: setting('HOLDFAST_TASK_TIMEOUT_S', integer(3600)),
  /** Model calls that a step may make where the provider fails. */
  maxModelAttempts: setting('HOLDFAST_MAX_MODEL_ATTEMPTS', integer(4)),
  /** A model that says nothing for this long has stalled. */
  modelIdleTimeoutMs: setting('HOLDFAST_MODEL_IDLE_TIMEOUT_MS', integer(60_000)),
  /** Wait before the second attempt of a step; it grows with each further one. */
  retryBaseMs: setting('HOLDFAST_RETRY_BASE_MS', integer(1000)),
  /** Tokens of a run: input and output of all its attempts. */
  maxTokens: setting('HOLDFAST_MAX_TOKENS', integer(1_000_000)),
  /** Generations of tasks below the first of a tree. */
  maxTreeDepth: setting('HOLDFAST_MAX_TREE_DEPTH', integer(8)),
  /** Tasks below the first of a tree that have not ended. */
  maxTreeTasks: setting('HOLDFAST_MAX_TREE_TASKS', integer(100)),
  /** Tokens that ended tasks below the first of a tree have used, from which on no more is started there. */
  maxTreeTokens: setting('HOLDFAST_MAX_TREE_TOKENS', integer(20_000_000)),
  /** Length of the workflow's history at which a run continues as new. */
  maxHistoryEvents: setting('HOLDFAST_MAX_HISTORY_EVENTS', integer(4000)),
  /** Time that a stopping worker gives to its activities. */
  shutdownGraceMs: setting('HOLDFAST_SHUTDOWN_GRACE_MS', integer(2000, { min: 0 })),
  /** A serverless worker without work for so long ends its invocation. */
  lambdaIdleMs: setting('HOLDFAST_LAMBDA_IDLE_MS', integer(20_000)),
  /** Time that a stopping API still serves while it says that it is not ready. */
  drainDelayMs: setting('HOLDFAST_DRAIN_DELAY_MS', integer(0, { min: 0 })),
  maxConcurrentActivities: setting('HOLDFAST_MAX_CONCURRENT_ACTIVITIES', integer(500)),
  logLevel: setting('HOLDFAST_LOG_LEVEL', z.enum(LOG_LEVELS).default('info')),
  /** Age at which a feed's connection ends and its reader resumes. */
  streamMaxMs: setting('HOLDFAST_STREAM_MAX_MS', integer(900_000)),
  /** Feeds open at once in one process. */
  maxStreams: setting('HOLDFAST_MAX_STREAMS', integer(10_000)),
};
type Table = typeof SETTINGS;
type Settings = z.output<z.ZodObject<{ [Field in keyof Table]: Table[Field]['schema'] }>>;

/** Everything that the service can be told from outside. Durations have their unit in the name. */
export type Config = Settings & { temporal: TemporalConfig };

/** Lists all that is wrong with the environment, one line per problem. */
export class ConfigError extends Error {
  override name = 'ConfigError';
  constructor(problems: readonly string[]) {
    super(['The configuration cannot be used:', ...problems].join('\n- '));
  }
}

/**
 * Reads the configuration from environment variables. An empty variable counts as unset, and `HOLDFAST_…`
 * names that nothing reads are refused. Reads no file but those that `TEMPORAL_…` names. Throws `ConfigError`.
 */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  const variables = present(env) as Variables;
  const problems = [...unknownNames(variables), ...missingForModel(variables)];
  const settings = readSettings(variables, problems);
  const temporal = readTemporal(variables, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  return { ...settings, temporal };
}

function unknownNames(variables: Variables): string[] {
  const known = new Set(Object.values(SETTINGS).map(({ variable }) => variable));
  return Object.keys(variables)
    .filter((name) => name.startsWith('HOLDFAST_') && !known.has(name))
    .map((name) => `${name} is not a setting`);
}

/** A server behind `openai-compatible` may well want no key, but it has no address of its own. */
function missingForModel(variables: Variables): string[] {
  const needed = {
    openai: 'OPENAI_API_KEY',
    anthropic: 'ANTHROPIC_API_KEY',
    'openai-compatible': 'OPENAI_BASE_URL',
  };
  const provider = variables['MODEL']?.split('/')[0];
  return Object.entries(needed)
    .filter(([name, variable]) => name === provider && !variables[variable])
    .map(([name, variable]) => `${variable} is missing: MODEL names ${name}`);
}

function readSettings(variables: Variables, problems: string[]): Settings {
  const results = Object.entries(SETTINGS).map(([field, { variable, schema }]) => {
    const result = schema.safeParse(variables[variable]);
    if (!result.success) problems.push(`${variable} ${result.error.issues[0]?.message}`);
    return [field, result.data];
  });
  const settings = present(Object.fromEntries(results)) as Settings;
  if (settings.heartbeatTimeoutMs < 3 * settings.heartbeatMs) {
    problems.push(
      'HOLDFAST_HEARTBEAT_TIMEOUT_MS must be at least three times HOLDFAST_HEARTBEAT_MS',
    );
  }
  return settings;
}
