const { env } = process;

export const ADDRESS = env.TEMPORAL_ADDRESS ?? '';
export const TASK_QUEUE = env.TASK_QUEUE ?? '';
export const MODEL_URL = env.MODEL_URL ?? '';
/** Where the workflows' bundle is kept, which is made at the first start. */
export const BUNDLE_FILE = env.BUNDLE_FILE ?? '';
/** Null: the library's default. */
export const BATCH_INTERVAL_MS = env.BATCH_INTERVAL_MS ? Number(env.BATCH_INTERVAL_MS) : null;
export const HEARTBEAT_MS = 200;
