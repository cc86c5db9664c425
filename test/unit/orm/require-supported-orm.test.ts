import { jest } from '@jest/globals';
import { EntityLoader, MikroORM, Utils } from '@mikro-orm/core';
import { readFileSync } from 'node:fs';
import {
  AbstractSqlConnection,
  AbstractSqlDriver,
  AbstractSqlPlatform,
  EntitySchema,
  PostgreSqlDriver,
} from '@mikro-orm/postgresql';
import {
  installSoftDelete,
  softDelete,
  SoftDeleteConfigError,
  UnsupportedOrmVersionError,
} from 'nestjs-mikro-orm-soft-delete';
import { requireVersions, SUPPORTED_ORM } from '../../../lib/orm/require-supported-orm.js';

const Thing = new EntitySchema({ name: 'Thing', properties: { id: { type: 'number', primary: true } } });
const versions = (core: string, sql = core) => ({ '@mikro-orm/core': core, '@mikro-orm/sql': sql });

describe(requireVersions.name, () => {
  it.each(['7.1.15', '7.2.0', '7.2.1', '7.2.5', '7.2.6-dev.3'])('lets %s pass', (version) => {
    expect(() => requireVersions(versions(version))).not.toThrow();
  });

  it.each(['7.1.14', '7.1.0', '7.0.17', '6.6.2', '7.3.0', '8.0.0', '[[MIKRO_ORM_VERSION]]'])(
    'refuses %s',
    (version) => {
      const check = () => requireVersions(versions(version));
      expect(check).toThrow(UnsupportedOrmVersionError);
      expect(check).toThrow(
        expect.objectContaining({
          code: 'UNSUPPORTED_ORM_VERSION',
          found: versions(version),
          supported: SUPPORTED_ORM.text,
        }),
      );
      expect(check).toThrow(
        `MikroORM ${version} is not supported (found @mikro-orm/core ${version}, @mikro-orm/sql ${version})`,
      );
    },
  );

  it('refuses packages of several versions', () => {
    expect(() => requireVersions(versions('7.2.1', '7.2.5'))).toThrow(
      'The packages of MikroORM have different versions: @mikro-orm/core 7.2.1, @mikro-orm/sql 7.2.5.',
    );
  });

  it('supports what the peer dependencies say', () => {
    const { peerDependencies } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
    for (const name of ['cli', 'core', 'postgresql']) {
      expect(peerDependencies[`@mikro-orm/${name}`]).toBe(SUPPORTED_ORM.text);
    }
  });
});

describe(`${installSoftDelete.name} on another database`, () => {
  class OtherPlatform extends AbstractSqlPlatform {}
  class OtherDriver extends AbstractSqlDriver {
    constructor(config: any) {
      super(config, new OtherPlatform(), AbstractSqlConnection as never, ['other']);
    }
  }
  class OwnDriver extends PostgreSqlDriver {}

  const entities = () => [new EntitySchema({ name: 'Thing', properties: { id: { type: 'number', primary: true } } })];
  const start = (driver: unknown) =>
    new MikroORM({
      driver: driver as never,
      dbName: 'none',
      contextName: 'files',
      entities: entities(),
      connect: false,
    } as never);

  it('is refused before anything is registered', () => {
    const orm = start(OtherDriver);
    const install = () => installSoftDelete(orm as never);
    expect(install).toThrow(SoftDeleteConfigError);
    expect(install).toThrow(
      'driver: the MikroORM instance "files" uses OtherDriver, but soft deletion works only on PostgreSQL.',
    );
    expect(orm.config.get('filters')).not.toHaveProperty('softDelete');
    expect([...orm.config.get('subscribers')]).toEqual([]);
  });

  it('is none where the driver extends the one of PostgreSQL', () => {
    expect(() => installSoftDelete(start(OwnDriver) as never)).not.toThrow();
  });
});

describe(`${installSoftDelete.name} on another version`, () => {
  afterEach(() => jest.restoreAllMocks());

  it('is refused before anything is registered, and names the packages it looked at', () => {
    const installed = Utils.getORMVersion();
    jest.spyOn(Utils, 'getORMVersion').mockReturnValue('7.1.14');
    const orm = new MikroORM({
      driver: PostgreSqlDriver,
      dbName: 'none',
      entities: [new EntitySchema({ name: 'Thing', properties: { id: { type: 'number', primary: true } } })],
    } as never);
    expect(() => installSoftDelete(orm as never)).toThrow(
      `The packages of MikroORM have different versions: @mikro-orm/core 7.1.14, @mikro-orm/postgresql ${installed}, @mikro-orm/sql ${installed}.`,
    );
    expect(orm.config.get('filters')).not.toHaveProperty('softDelete');
    expect([...orm.config.get('subscribers')]).toEqual([]);
  });
});

describe('An ORM that lacks a part that this package needs', () => {
  it.each([
    ['installSoftDelete()', (orm: MikroORM) => installSoftDelete(orm as never)],
    [
      'softDelete()',
      () =>
        new MikroORM({
          driver: PostgreSqlDriver,
          dbName: 'none',
          entities: [Thing],
          extensions: [softDelete()],
        } as never),
    ],
  ])('is refused by %s before anything is registered', (_name, install) => {
    const orm = new MikroORM({ driver: PostgreSqlDriver, dbName: 'none', entities: [Thing] } as never);
    const descriptor = Object.getOwnPropertyDescriptor(EntityLoader.prototype, 'findChildren')!;
    Reflect.deleteProperty(EntityLoader.prototype, 'findChildren');
    try {
      expect(() => install(orm)).toThrow(UnsupportedOrmVersionError);
      expect(() => install(orm)).toThrow('EntityLoader.findChildren is missing');
    } finally {
      Object.defineProperty(EntityLoader.prototype, 'findChildren', descriptor);
    }
    expect(orm.config.get('filters')).not.toHaveProperty('softDelete');
    expect(() => install(orm)).not.toThrow();
  });
});
