import { describe, expect, it } from 'vitest';
import { loadApartConfig } from '../../apart-config.ts';
import { loadLambdaWorkerConfig } from '../../lambda-config.ts';

const DATABASE_URL = 'postgres://db/holdfast';

describe('the configuration of a process that is API or worker only', () => {
  it('wants a database, and a relay that reaches other processes', () => {
    expect(() => loadApartConfig({})).toThrow('DATABASE_URL is missing');
    const env = { DATABASE_URL, RELAY_URL: 'in-process' };
    expect(() => loadApartConfig(env)).toThrow('RELAY_URL=in-process reaches no other process');
  });

  it('is that of any other otherwise', () => {
    expect(loadApartConfig({ DATABASE_URL })).toMatchObject({
      databaseUrl: DATABASE_URL,
      taskQueue: 'holdfast',
    });
  });
});

describe("the configuration of a worker's function", () => {
  it('names all that is missing at once', () => {
    expect(() => loadLambdaWorkerConfig({})).toThrow(
      /DATABASE_URL is missing.*\n.*HOLDFAST_BUILD_ID is missing.*\n.*HOLDFAST_WORKFLOW_BUNDLE is missing/,
    );
  });

  it('has its version', () => {
    expect(
      loadLambdaWorkerConfig({
        DATABASE_URL,
        HOLDFAST_BUILD_ID: '7',
        HOLDFAST_WORKFLOW_BUNDLE: 'dist/workflows.js',
      }),
    ).toMatchObject({ deploymentName: 'holdfast', buildId: '7' });
  });
});
