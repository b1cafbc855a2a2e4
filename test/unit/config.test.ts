import { describe, expect, it } from 'vitest';
import { ConfigError, loadConfig } from '../../config.ts';

function problemsOf(env: NodeJS.ProcessEnv): string {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return '';
}

describe('the configuration', () => {
  it('needs no variable at all', () => {
    expect(loadConfig({})).toEqual({
      host: '127.0.0.1',
      port: 8080,
      dataDir: '.data',
      temporalUiUrl: 'http://127.0.0.1:8233',
      taskQueue: 'holdfast',
      deploymentName: 'holdfast',
      reconcileEverySeconds: 60,
      model: 'demo',
      corsOrigins: [],
      heartbeatMs: 200,
      heartbeatTimeoutMs: 5000,
      maxSteps: 50,
      taskTimeoutSeconds: 3600,
      maxModelAttempts: 4,
      modelIdleTimeoutMs: 60_000,
      retryBaseMs: 1000,
      maxTokens: 1_000_000,
      maxTreeDepth: 8,
      maxTreeTasks: 100,
      maxTreeTokens: 20_000_000,
      maxHistoryEvents: 4000,
      shutdownGraceMs: 2000,
      lambdaIdleMs: 20_000,
      drainDelayMs: 0,
      maxConcurrentActivities: 500,
      maxHeartbeatsPerSecond: 50,
      logLevel: 'info',
      streamMaxMs: 900_000,
      maxStreams: 10_000,
      temporal: { namespace: 'default', address: '127.0.0.1:7233' },
    });
  });

  it('takes what is set, and an empty variable for unset', () => {
    const config = loadConfig({
      PORT: '0',
      HOST: '::1',
      DATA_DIR: '',
      DATABASE_URL: 'postgresql://db/holdfast',
      RELAY_URL: 'postgres://relay/holdfast',
      TEMPORAL_UI_URL: 'https://temporal.example/ui/',
      HOLDFAST_TASK_TIMEOUT_S: '60',
      HOLDFAST_METRICS_PORT: '9464',
      HOLDFAST_LOG_LEVEL: 'silent',
    });
    expect(config).toMatchObject({
      port: 0,
      host: '::1',
      dataDir: '.data',
      databaseUrl: 'postgresql://db/holdfast',
      relayUrl: 'postgres://relay/holdfast',
      temporalUiUrl: 'https://temporal.example/ui',
      taskTimeoutSeconds: 60,
      metricsPort: 9464,
      logLevel: 'silent',
    });
  });

  it('names every problem in one message', () => {
    const message = problemsOf({
      PORT: '65536',
      DATABASE_URL: 'mysql://db',
      RELAY_URL: 'amqp://relay',
      TEMPORAL_UI_URL: 'temporal',
      TEMPORAL_ADDRESS: 'temporal.example',
      MODEL: 'gpt',
      HOLDFAST_MAX_STEPS: '0',
      HOLDFAST_METRICS_PORT: 'any',
      HOLDFAST_HEARTBEAT_MS: '1.5',
      HOLDFAST_LOG_LEVEL: 'loud',
      HOLDFAST_HARTBEAT_MS: '200',
    });
    expect(message.split('\n- ').slice(1)).toEqual([
      'HOLDFAST_HARTBEAT_MS is not a setting',
      'PORT must be at most 65535',
      'HOLDFAST_METRICS_PORT must be a whole number',
      'DATABASE_URL must be a postgres:// URL',
      'RELAY_URL must be a postgres://, redis:// or rediss:// URL, or in-process',
      'TEMPORAL_UI_URL must be an http or https URL',
      'MODEL must be demo, openai/<id>, anthropic/<id> or openai-compatible/<id>',
      'HOLDFAST_HEARTBEAT_MS must be a whole number',
      'HOLDFAST_MAX_STEPS must be at least 1',
      expect.stringContaining('HOLDFAST_LOG_LEVEL'),
      'TEMPORAL_ADDRESS must be host:port',
    ]);
  });

  it.each([
    'postgres://db/a',
    'postgresql://db/a',
    'redis://cache:6379/1',
    'rediss://u:p@cache',
    'in-process',
  ])('takes %s for the relay', (url) => expect(loadConfig({ RELAY_URL: url }).relayUrl).toBe(url));

  it('takes any address to listen on: whether it may is for the API to say, which knows of the keys', () => {
    expect(loadConfig({ HOST: '0.0.0.0' }).host).toBe('0.0.0.0');
    expect(problemsOf({ HOST: 'two words' })).toContain('HOST must be an address');
  });

  it.each([
    ['openai/gpt', 'OPENAI_API_KEY', 'sk-1'],
    ['anthropic/claude', 'ANTHROPIC_API_KEY', 'sk-2'],
    ['openai-compatible/meta/llama', 'OPENAI_BASE_URL', 'http://127.0.0.1:11434/v1'],
  ])('refuses the model %s without %s', (model, variable, value) => {
    expect(problemsOf({ MODEL: model })).toContain(`${variable} is missing`);
    expect(loadConfig({ MODEL: model, [variable]: value }).model).toBe(model);
  });

  it('reads a list of origins, and nothing that is not an origin', () => {
    const origins = 'https://app.example, http://localhost:3000';
    expect(loadConfig({ HOLDFAST_CORS_ORIGINS: origins }).corsOrigins).toEqual([
      'https://app.example',
      'http://localhost:3000',
    ]);
    for (const wrong of ['*', 'null', 'https://app.example/', 'app.example']) {
      expect(problemsOf({ HOLDFAST_CORS_ORIGINS: wrong })).toContain('HOLDFAST_CORS_ORIGINS');
    }
  });

  it('wants a heartbeat timeout that survives a late heartbeat', () => {
    const env = { HOLDFAST_HEARTBEAT_MS: '1000', HOLDFAST_HEARTBEAT_TIMEOUT_MS: '2999' };
    expect(problemsOf(env)).toContain('at least three times HOLDFAST_HEARTBEAT_MS');
  });

  it('reads the connection to Temporal as its own tools do', () => {
    const env = {
      TEMPORAL_ADDRESS: 'ns.acct.tmprl.cloud:7233',
      TEMPORAL_NAMESPACE: 'ns.acct',
      TEMPORAL_API_KEY: 'secret',
      TEMPORAL_TLS_SERVER_NAME: 'internal',
      TEMPORAL_TLS_SERVER_CA_CERT_DATA: 'pem',
    };
    expect(loadConfig(env).temporal).toMatchObject({
      address: 'ns.acct.tmprl.cloud:7233',
      namespace: 'ns.acct',
      apiKey: 'secret',
      tls: {
        serverNameOverride: 'internal',
        serverRootCACertificate: new TextEncoder().encode('pem'),
      },
    });
  });

  it('reports a certificate that cannot be read', () => {
    expect(problemsOf({ TEMPORAL_TLS_SERVER_CA_CERT_PATH: '/nowhere.pem' })).toContain('ENOENT');
  });

  it('refuses what the connection to Temporal would leave out without a word', () => {
    expect(problemsOf({ TEMPORAL_TLS_CLIENT_CERT_DATA: 'pem' })).toContain('go together');
    expect(problemsOf({ TEMPORAL_TLS_CLIENT_KEY_DATA: 'pem' })).toContain('go together');
    expect(problemsOf({ TEMPORAL_TLS_DISABLE_HOST_VERIFICATION: 'true' })).toContain(
      'TEMPORAL_TLS_DISABLE_HOST_VERIFICATION is not supported',
    );
    for (const isOn of ['True', 'yes', 'on'])
      expect(problemsOf({ TEMPORAL_TLS: isOn })).toContain('TEMPORAL_TLS must be true');
  });

  it('never repeats a secret in its message', () => {
    const env = {
      OPENAI_API_KEY: 'sk-secret',
      DATABASE_URL: 'mysql://user:sk-secret@db',
      PORT: 'x',
    };
    expect(problemsOf(env)).not.toContain('sk-secret');
  });
});
