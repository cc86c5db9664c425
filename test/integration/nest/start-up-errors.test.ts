import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { MikroORM, PostgreSqlDriver } from '@mikro-orm/postgresql';
import { MikroORM as CoreMikroORM } from '@mikro-orm/core';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import { Controller, Get, Global, Injectable, Module, type ModuleMetadata, Scope } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { Test } from '@nestjs/testing';
import {
  NotSoftDeletableError,
  OnPurge,
  PurgeScheduleError,
  SoftDeletable,
  SoftDeletableEntity,
  SoftDeleteConfigError,
  SoftDeleteModule,
  SoftDeleteNotInstalledError,
  WithDeleted,
} from 'nestjs-mikro-orm-soft-delete';
import { City, Person, Pet } from './people.js';

@SoftDeletable()
@Entity()
class WithoutProperty {
  @PrimaryKey({ type: 'integer' })
  id!: number;
}

@SoftDeletable()
@Entity()
class NotNullable {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'timestamptz' })
  deletedAt!: Date;
}

@SoftDeletable()
@Entity()
class TooCoarse {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'timestamptz', length: 3, nullable: true })
  deletedAt?: Date;
}

@SoftDeletable({ property: 'gone' })
@Entity()
class NotATimestamp {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'boolean', nullable: true })
  gone?: boolean;
}

@SoftDeletable()
@Entity()
class Elsewhere extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;
}

/** Nothing of what fails here reaches the database: the ORM connects with its first query. */
function ormModule(entities: any[] = [Person, Pet, City]) {
  return MikroOrmModule.forRoot({
    driver: PostgreSqlDriver,
    clientUrl: 'postgresql://127.0.0.1:1/none',
    entities,
    registerRequestContext: false,
  });
}

async function startUpError(imports: ModuleMetadata['imports'], metadata: ModuleMetadata = {}): Promise<Error> {
  let error: unknown;
  try {
    const app = await Test.createTestingModule({ ...metadata, imports })
      .setLogger({ log() {}, warn() {}, error() {} })
      .compile();
    await app.init();
    await app.close();
  } catch (reason) {
    error = reason;
  }
  expect(error).toBeInstanceOf(Error);
  return error as Error;
}

describe(`${SoftDeleteModule.name} at start-up`, () => {
  it.each<[object, RegExp]>([
    [{ purge: { batchSize: -1 } }, /^purge\.batchSize: -1 is not a number of rows\. Write a whole number/],
    [{ purge: { retention: 'a while' } }, /^purge\.retention: "a while" is not a duration\. Write .*'30d'/],
    [{ purge: { timeZone: 'Atlantis' } }, /^purge\.timeZone: "Atlantis" is not a time zone/],
    [
      { retention: '30d' },
      /^retention: there is no such option \(given: "30d"\)\. The options are: contextName, actor, log, erasure, purge/,
    ],
    [[] as object, /is not an object/],
  ])('refuses %j and says what is allowed', async (options, message) => {
    for (const imported of [
      SoftDeleteModule.forRoot(options),
      SoftDeleteModule.forRootAsync({ useFactory: () => options }),
    ]) {
      const error = await startUpError([ormModule(), imported]);
      expect(error).toBeInstanceOf(SoftDeleteConfigError);
      expect(error.message).toMatch(message);
    }
  });

  it.each([
    ['a missing property', WithoutProperty, /WithoutProperty: it has no column property "deletedAt"\. Extend/],
    [
      'one that is not nullable',
      NotNullable,
      /NotNullable: the property "deletedAt" is not nullable.*`nullable: true`/,
    ],
    [
      'one that is too coarse',
      TooCoarse,
      /TooCoarse: the property "deletedAt" is a column of type timestamptz\(3\), too coarse/,
    ],
    ['one that is not a timestamp', NotATimestamp, /NotATimestamp: the property "gone" is a column of type boolean/],
  ])('refuses an entity with %s', async (_what, entity, message) => {
    const error = await startUpError([ormModule([entity]), SoftDeleteModule.forRoot()]);
    expect(error).toBeInstanceOf(SoftDeleteConfigError);
    expect(error.message).toMatch(message);
  });

  it.each([
    ['not marked', City, /^City is not soft-deletable\. Mark the class with @SoftDeletable\(\)/],
    ['unknown to the ORM', Elsewhere, /^Elsewhere is not an entity of this ORM\. Add it to the `entities`/],
  ])('refuses an entity in forFeature that is %s', async (_what, entity, message) => {
    const error = await startUpError([ormModule(), SoftDeleteModule.forRoot(), SoftDeleteModule.forFeature([entity])]);
    expect(error).toBeInstanceOf(NotSoftDeletableError);
    expect(error.message).toMatch(message);
  });

  it('refuses forFeature without forRoot, or for another ORM', async () => {
    const without = await startUpError([ormModule(), SoftDeleteModule.forFeature([Person])]);
    expect(without).toBeInstanceOf(SoftDeleteNotInstalledError);
    const other = await startUpError([
      ormModule(),
      SoftDeleteModule.forRoot(),
      SoftDeleteModule.forFeature([Person], 'crm'),
    ]);
    expect(other).toBeInstanceOf(SoftDeleteNotInstalledError);
    expect(other.message).toContain('"crm"');
  });

  it('refuses a list with a hole, which an import cycle leaves', () => {
    const hole = () => SoftDeleteModule.forFeature([Person, undefined as never]);
    expect(hole).toThrow(SoftDeleteConfigError);
    expect(hole).toThrow(/item 1 is undefined, not an entity/);
    expect(() => SoftDeleteModule.forFeature(Person as never)).toThrow(/Write forFeature\(\[User, Post\]\)/);
  });

  it.each<[object | undefined, RegExp]>([
    [{}, /nothing says where the options come from\. Write one of useFactory/],
    [undefined, /nothing says where the options come from/],
    [{ useFactory: () => ({}), useClass: Object }, /useFactory and useClass are both given/],
  ])('refuses forRootAsync(%j)', (options, message) => {
    const build = () => SoftDeleteModule.forRootAsync(options as never);
    expect(build).toThrow(SoftDeleteConfigError);
    expect(build).toThrow(message);
  });

  it('refuses a context name that only the factory knows', async () => {
    const error = await startUpError([
      ormModule(),
      SoftDeleteModule.forRootAsync({ useFactory: () => ({ contextName: 'crm' }) }),
    ]);
    expect(error).toBeInstanceOf(SoftDeleteConfigError);
    expect(error.message).toContain('Write SoftDeleteModule.forRootAsync({ contextName: "crm", … })');
  });

  it('refuses an application without the ORM', async () => {
    const without = await startUpError([SoftDeleteModule.forRoot()]);
    expect(without).toBeInstanceOf(SoftDeleteConfigError);
    expect(without.message).toMatch(/the application has no MikroORM instance\. Import MikroOrmModule\.forRoot/);
    const other = await startUpError([ormModule(), SoftDeleteModule.forRoot({ contextName: 'crm' })]);
    expect(other).toBeInstanceOf(SoftDeleteConfigError);
    expect(other.message).toMatch(/no MikroORM instance named "crm"\. .*contextName: 'crm'/);
  });

  it('says what was meant where every ORM has a name', async () => {
    const named = (contextName: string) =>
      MikroOrmModule.forRoot({
        driver: PostgreSqlDriver,
        clientUrl: 'postgresql://127.0.0.1:1/none',
        entities: [Person, Pet, City],
        registerRequestContext: false,
        contextName,
      });
    const error = await startUpError([named('crm'), named('shop'), SoftDeleteModule.forRoot()]);
    expect(error).toBeInstanceOf(SoftDeleteConfigError);
    expect(error.message).toBe(
      'SoftDeleteModule.forRoot(): the application has no MikroORM instance without a name. ' +
        `It has "crm" and "shop": write SoftDeleteModule.forRoot({ contextName: 'crm', … }), once for each that soft-deletes.`,
    );
  });

  it('refuses an ORM that a module keeps to itself', async () => {
    const orm = new MikroORM({ clientUrl: 'postgresql://127.0.0.1:1/none', entities: [Person, Pet, City] });

    @Module({ providers: [{ provide: CoreMikroORM, useValue: orm }] })
    class OrmModule {}

    const error = await startUpError([OrmModule, SoftDeleteModule.forRoot()]);
    expect(error).toBeInstanceOf(SoftDeleteConfigError);
    expect(error.message).toMatch(
      /the MikroORM instance did not start, or the module that provides it is not global\./,
    );
  });

  it('lets the error of an ORM that does not start through', async () => {
    const failing = MikroOrmModule.forRoot({ driver: PostgreSqlDriver, dbName: 'none', entities: [] });
    const error = await startUpError([failing, SoftDeleteModule.forRoot()]);
    expect(error).not.toBeInstanceOf(SoftDeleteConfigError);
    expect(error.message).toMatch(/entities/i);
  });

  it('refuses to be imported twice for one ORM', async () => {
    const error = await startUpError([
      ormModule(),
      SoftDeleteModule.forRoot(),
      SoftDeleteModule.forRoot({ actor: () => 'ada' }),
    ]);
    expect(error).toBeInstanceOf(SoftDeleteConfigError);
    expect(error.message).toMatch(/imported twice/);
  });

  it('works with an ORM that the application provides itself', async () => {
    const orm = await MikroORM.init({ clientUrl: 'postgresql://127.0.0.1:1/none', entities: [Person] });

    @Global()
    @Module({ providers: [{ provide: CoreMikroORM, useValue: orm }], exports: [CoreMikroORM] })
    class OrmModule {}

    const app = await Test.createTestingModule({ imports: [OrmModule, SoftDeleteModule.forRoot()] }).compile();
    expect(await app.init()).toBe(app);
    await app.close();
  });

  describe('with purge.cron', () => {
    it('refuses an application without a scheduler', async () => {
      const error = await startUpError([ormModule(), SoftDeleteModule.forRoot({ purge: { cron: '0 3 * * *' } })]);
      expect(error).toBeInstanceOf(PurgeScheduleError);
      expect(error).toMatchObject({ code: 'PURGE_SCHEDULE', cron: '0 3 * * *' });
      expect(error.message).toMatch(/^purge\.cron is set to "0 3 \* \* \*", but .* Import ScheduleModule\.forRoot\(\)/);
    });

    it.each(['every night', '61 * * * *', '0 0 31 2 *', '* *'])('refuses the expression %j', async (cron) => {
      const error = await startUpError([
        ormModule(),
        ScheduleModule.forRoot(),
        SoftDeleteModule.forRoot({ purge: { cron } }),
      ]);
      expect(error).toBeInstanceOf(SoftDeleteConfigError);
      expect(error.message).toMatch(/^purge\.cron: ".*" is not a cron expression .*Write for example '0 3 \* \* \*'/);
    });
  });

  describe('with @OnPurge', () => {
    it('refuses a handler for an entity that is not soft-deletable', async () => {
      @Injectable()
      class Cleanup {
        @OnPurge(City)
        clean() {}
      }
      const error = await startUpError([ormModule(), SoftDeleteModule.forRoot()], { providers: [Cleanup] });
      expect(error).toBeInstanceOf(NotSoftDeletableError);
    });

    it('refuses a handler on a provider that lives as long as a request', async () => {
      @Injectable({ scope: Scope.REQUEST })
      class Cleanup {
        @OnPurge(Person)
        clean() {}
      }
      const error = await startUpError([ormModule(), SoftDeleteModule.forRoot()], { providers: [Cleanup] });
      expect(error).toBeInstanceOf(SoftDeleteConfigError);
      expect(error.message).toMatch(/@OnPurge\(\) on Cleanup\.clean: .*Scope\.DEFAULT/);
    });
  });

  describe('with @WithDeleted', () => {
    @Controller()
    class Things {
      @WithDeleted()
      @Get()
      list() {}
    }

    @WithDeleted({ contextName: 'crm' })
    @Controller()
    class Contacts {
      @Get()
      list() {}
    }

    it('refuses a route in an application where nothing is installed, or for an ORM that is not there', async () => {
      const without = await startUpError([ormModule()], { controllers: [Things] });
      expect(without).toBeInstanceOf(SoftDeleteNotInstalledError);
      const other = await startUpError([ormModule(), SoftDeleteModule.forRoot()], { controllers: [Contacts] });
      expect(other).toBeInstanceOf(SoftDeleteNotInstalledError);
      expect(other.message).toContain('"crm"');
    });
  });
});
