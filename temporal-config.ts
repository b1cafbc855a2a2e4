import {
  loadClientConfigProfile,
  toClientOptions,
  type ClientConfigProfile,
  type ClientConnectConfig,
} from '@temporalio/envconfig';

/** How to reach Temporal. Both kinds of SDK connection take `address` to `metadata` as they are. */
export interface TemporalConfig {
  namespace: string;
  /** `host:port` of the frontend. */
  address: string;
  apiKey?: string;
  tls?: NonNullable<ClientConnectConfig['connectionOptions']['tls']>;
  metadata?: Record<string, string>;
}

/** Environment variables that are set. */
export type Variables = Record<string, string>;

/** Adds to `problems` what is wrong. */
export function readTemporal(variables: Variables, problems: string[]): TemporalConfig {
  // Without a name, the profile that a person's CLI uses stays out of it: it may well be a production one.
  const disableFile = !variables['TEMPORAL_CONFIG_FILE'] && !variables['TEMPORAL_PROFILE'];
  try {
    const profile = loadClientConfigProfile({ overrideEnvVars: variables, disableFile });
    problems.push(...leftOut(variables, profile));
    const { namespace = 'default', connectionOptions } = toClientOptions(profile);
    const { address = '127.0.0.1:7233', apiKey, tls, metadata } = connectionOptions;
    if (!/^\S+:\d+$/.test(address)) problems.push('TEMPORAL_ADDRESS must be host:port');
    return present({ namespace, address, apiKey, tls, metadata }) as TemporalConfig;
  } catch (error) {
    problems.push(`TEMPORAL_…: ${error instanceof Error ? error.message : String(error)}`);
    return { namespace: '', address: '' };
  }
}

/** What the SDK leaves out without a word: the connection would then fail for a reason that names none of it. */
function leftOut(variables: Variables, { tls }: ClientConfigProfile): string[] {
  const problems: string[] = [];
  if (!tls?.clientCert !== !tls?.clientKey)
    problems.push('TEMPORAL_TLS_CLIENT_CERT_… and TEMPORAL_TLS_CLIENT_KEY_… go together');
  // Any other text is false to the SDK.
  const setting = variables['TEMPORAL_TLS'];
  if (setting !== undefined && !/^(1|true|0|false)$/.test(setting))
    problems.push('TEMPORAL_TLS must be true, 1, false or 0');
  const unverified = 'TEMPORAL_TLS_DISABLE_HOST_VERIFICATION';
  if (/^(1|true)$/i.test(variables[unverified] ?? ''))
    problems.push(`${unverified} is not supported; TEMPORAL_TLS_SERVER_NAME names the host`);
  return problems;
}

/** The values without those that are empty. */
export function present(values: object): object {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined && value !== ''),
  );
}
