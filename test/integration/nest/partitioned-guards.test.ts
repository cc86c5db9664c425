import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import { MikroORM, type Options, PostgreSqlDriver } from '@mikro-orm/postgresql';
import { Test } from '@nestjs/testing';
import {
  softDelete,
  SoftDeletable,
  SoftDeletableEntity,
  SoftDeleteConfigError,
  SoftDeleteModule,
} from 'nestjs-mikro-orm-soft-delete';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';

@SoftDeletable({ guard: true })
@Entity({ tableName: 'ledger' })
class Ledger extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'text' })
  region!: string;
}

@SoftDeletable({ guard: true })
@Entity({ schema: 'books', tableName: 'Whole Ledger' })
class WholeLedger extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;
}

@SoftDeletable()
@Entity({ tableName: 'visit' })
class Visit extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;
}

@SoftDeletable({ guard: true })
@Entity({ tableName: 'declared', partitionBy: { type: 'hash', expression: 'id', partitions: 2 } })
class Declared extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;
}

describe('A guard on a partitioned table', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createTestDatabase();
    await database.query(`
      create schema books;
      create table ledger (id int, region text, deleted_at timestamptz, primary key (id, region)) partition by list (region);
      create table ledger_eu partition of ledger for values in ('eu');
      create table books."Whole Ledger" (id int primary key, deleted_at timestamptz);
      create table visit (id int primary key, deleted_at timestamptz) partition by hash (id)`);
  });
  afterEach(() => database.drop());

  const start = async (entities: Options['entities'], options: Partial<Options> = {}) => {
    const module = await Test.createTestingModule({
      imports: [
        MikroOrmModule.forRoot({ driver: PostgreSqlDriver, clientUrl: database.url, entities, ...options }),
        SoftDeleteModule.forRoot(),
      ],
    }).compile();
    try {
      await module.init();
    } finally {
      await module.close();
    }
  };
  const refusal = async (entities: Options['entities'], options?: Partial<Options>) =>
    (await start(entities, options).catch((error: unknown) => error)) as SoftDeleteConfigError;

  it('is refused at the start, naming the entity, though only the database knows of the partitions', async () => {
    const error = await refusal([Ledger, WholeLedger, Visit]);

    expect(error).toBeInstanceOf(SoftDeleteConfigError);
    expect(error.message).toContain('the table of Ledger ("ledger") is partitioned.');
    expect(error.message).toContain('Leave out `guard` in the mark of Ledger');
  });

  it('is refused for each table whatever its schema', async () => {
    await database.query(
      'drop table books."Whole Ledger"; create table books."Whole Ledger" (id int, deleted_at timestamptz) partition by hash (id)',
    );

    expect((await refusal([Ledger, WholeLedger])).message).toContain(
      'the tables of WholeLedger ("books"."Whole Ledger"), Ledger ("ledger") are partitioned.',
    );
  });

  it('is no matter where the table is not partitioned, is a partition, is not there, or has no guard', async () => {
    await expect(start([WholeLedger, Visit])).resolves.toBeUndefined();
    await database.query(
      'alter table ledger detach partition ledger_eu; drop table ledger; alter table ledger_eu rename to ledger',
    );
    await expect(start([Ledger, WholeLedger])).resolves.toBeUndefined();
    await database.query('drop table ledger');
    await expect(start([Ledger, WholeLedger])).resolves.toBeUndefined();
  });

  it('is refused without the database where the entity says so, and without Nest', async () => {
    await expect(
      MikroORM.init({
        clientUrl: database.url,
        entities: [Declared],
        extensions: [softDelete()],
      }),
    ).rejects.toThrow('@SoftDeletable() on Declared, guard: the table of Declared is partitioned.');
    expect(await refusal([Declared])).toBeInstanceOf(SoftDeleteConfigError);
  });
});
