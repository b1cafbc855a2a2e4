/** Names of dynamic configuration with their values. Source: temporalio/temporal, common/dynamicconfig/constants.go. */
export type DynamicSettings = Readonly<
  Record<string, string | number | boolean | readonly string[]>
>;

export interface ServerConfigOptions {
  /** The PostgreSQL server: host, port, user and password count. */
  postgres: URL;
  databases: { temporal: string; visibility: string };
  /** Free ports: that of the frontend first, then those which the services need among themselves. */
  ports: readonly number[];
  dynamicConfigFile: string;
}

/** Ports of `ServerConfigOptions`. */
export const PORTS_NEEDED = 8;

/**
 * A shard writes one transaction at a time (`history.shardIOConcurrency`), so their number bounds how many runs are written
 * at once. Each also costs queues that are read all the time. A cluster of several machines has hundreds.
 */
const HISTORY_SHARDS = 8;
/** Of each of the four services. Together with the replicas' they stay below the 100 that PostgreSQL allows by default. */
const CONNECTIONS = { temporal: 6, visibility: 2 };

/** What `temporal-server --config-file` reads; JSON is YAML too. After config/development-postgres12.yaml. */
export function serverConfig(options: ServerConfigOptions): object {
  const { postgres, databases, ports, dynamicConfigFile } = options;
  const names = ['frontend', 'history', 'matching', 'worker'];
  const services = names.map((name, n) => {
    const [grpcPort, membershipPort] = ports.slice(2 * n, 2 * n + 2);
    return [name, { rpc: { grpcPort, membershipPort, bindOnLocalHost: true } }];
  });
  return {
    log: { level: 'warn' },
    persistence: {
      defaultStore: 'temporal',
      visibilityStore: 'visibility',
      numHistoryShards: HISTORY_SHARDS,
      datastores: {
        temporal: datastore(postgres, databases.temporal, CONNECTIONS.temporal),
        visibility: datastore(postgres, databases.visibility, CONNECTIONS.visibility),
      },
    },
    global: { membership: { maxJoinDuration: '30s', broadcastAddress: '127.0.0.1' } },
    services: Object.fromEntries(services),
    clusterMetadata: {
      enableGlobalNamespace: false,
      failoverVersionIncrement: 10,
      masterClusterName: 'active',
      currentClusterName: 'active',
      clusterInformation: {
        active: {
          enabled: true,
          initialFailoverVersion: 1,
          rpcName: 'frontend',
          rpcAddress: `127.0.0.1:${ports[0]}`,
        },
      },
    },
    dynamicConfigClient: { filepath: dynamicConfigFile, pollInterval: '60s' },
  };
}

function datastore(postgres: URL, databaseName: string, maxConns: number): object {
  return {
    sql: {
      pluginName: 'postgres12',
      databaseName,
      connectAddr: `${postgres.hostname}:${postgres.port || 5432}`,
      connectProtocol: 'tcp',
      user: decodeURIComponent(postgres.username),
      password: decodeURIComponent(postgres.password),
      maxConns,
      maxIdleConns: maxConns,
      maxConnLifetime: '1h',
    },
  };
}

/** Limits that protect a server which many share would only measure themselves here. */
const UNLIMITED = 1_000_000;

/** The dynamic configuration file. */
export function dynamicConfig(settings: DynamicSettings): object {
  const all: DynamicSettings = {
    'frontend.rps': UNLIMITED,
    'frontend.namespaceRPS': UNLIMITED,
    'frontend.namespaceRPS.visibility': UNLIMITED,
    'frontend.namespaceCount': UNLIMITED,
    ...settings,
  };
  return Object.fromEntries(Object.entries(all).map(([name, value]) => [name, [{ value }]]));
}
