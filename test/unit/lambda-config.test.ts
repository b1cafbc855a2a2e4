import { describe, expect, it } from 'vitest';
import { loadLambdaConfig, loadLambdaWorkerConfig } from '../../lambda-config.ts';

const DATABASE_URL = 'postgres://db/holdfast';

describe('the configuration of a function', () => {
  it('names all that is missing at once', () => {
    expect(() => loadLambdaConfig({})).toThrow('DATABASE_URL is missing: a function needs it');
    expect(() => loadLambdaWorkerConfig({})).toThrow(
      /DATABASE_URL is missing.*\n.*HOLDFAST_BUILD_ID is missing.*\n.*HOLDFAST_WORKFLOW_BUNDLE is missing/,
    );
  });

  it('is that of a process otherwise', () => {
    expect(loadLambdaConfig({ DATABASE_URL })).toMatchObject({
      databaseUrl: DATABASE_URL,
      taskQueue: 'holdfast',
    });
    expect(
      loadLambdaWorkerConfig({
        DATABASE_URL,
        HOLDFAST_BUILD_ID: '7',
        HOLDFAST_WORKFLOW_BUNDLE: 'dist/workflows.js',
      }),
    ).toMatchObject({ deploymentName: 'holdfast', buildId: '7' });
  });
});
