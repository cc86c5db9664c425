import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

const rootDir = fileURLToPath(new URL('.', import.meta.url));

/** The decorators of the sample app and of most tests are TypeScript's; `*.es.ts` files use the ECMAScript ones. */
const swc = (decorators) => [
  '@swc/jest',
  {
    jsc: {
      target: 'es2023',
      parser: { syntax: 'typescript', decorators: true },
      transform: decorators,
      keepClassNames: true,
    },
    module: { type: 'es6' },
    sourceMaps: true,
  },
];

const project = {
  rootDir,
  testEnvironment: '<rootDir>/test/support/environment.ts',
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^nestjs-mikro-orm-soft-delete$': '<rootDir>/lib/index.ts',
    '^nestjs-mikro-orm-soft-delete/admin$': '<rootDir>/lib/admin/index.ts',
    '^nestjs-mikro-orm-soft-delete/compliance$': '<rootDir>/lib/compliance/index.ts',
    '^nestjs-mikro-orm-soft-delete/testing$': '<rootDir>/lib/testing/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
    // Mercurius requires one that is an ES module, which Jest cannot on Node 22, for a page that no test opens.
    '^content-disposition$': '<rootDir>/node_modules/content-disposition',
  },
  transform: {
    '\\.es\\.ts$': swc({ decoratorVersion: '2022-03' }),
    '\\.ts$': swc({ legacyDecorator: true, decoratorMetadata: true }),
  },
  setupFiles: ['reflect-metadata'],
};

/** @type {import('jest').Config} */
export default {
  rootDir,
  testTimeout: 120_000,
  // Most tests wait for PostgreSQL half of their time, so that Jest's own choice leaves one of two cores idle.
  maxWorkers: Math.max(2, availableParallelism() - 1),
  // What a test file has loaded stays in memory, and a worker near the end of its heap does little but collect garbage.
  workerIdleMemoryLimit: '1.5GB',
  projects: [
    {
      ...project,
      displayName: 'unit',
      testMatch: ['<rootDir>/test/{unit,architecture,types}/**/*.test.ts'],
    },
    {
      ...project,
      displayName: 'integration',
      testMatch: ['<rootDir>/test/integration/**/*.test.ts'],
      globalSetup: '<rootDir>/test/support/postgres.setup.ts',
      globalTeardown: '<rootDir>/test/support/postgres.teardown.ts',
    },
    {
      ...project,
      displayName: 'built',
      testMatch: ['<rootDir>/test/{e2e,package}/**/*.test.ts'],
      globalSetup: '<rootDir>/test/support/build.setup.ts',
    },
    {
      ...project,
      displayName: 'applications',
      testMatch: ['<rootDir>/test/applications/*.test.ts'],
      globalSetup: '<rootDir>/test/applications/support/packed.setup.ts',
      globalTeardown: '<rootDir>/test/applications/support/packed.teardown.ts',
    },
  ],
};
