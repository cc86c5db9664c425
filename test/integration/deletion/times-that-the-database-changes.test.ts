import { Cascade, Collection, type Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import {
  DeletionRestrictedError,
  RestoreConflictError,
  SoftDeletable,
  SoftDeleteConfigError,
  SoftDeletableEntity,
  SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable()
@Entity()
class Folder extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @OneToMany(() => Letter, (letter) => letter.folder, { cascade: [Cascade.ALL], orphanRemoval: true })
  letters = new Collection<Letter>(this);
}

@SoftDeletable({ deletedBy: 'deletedBy' })
@Entity()
class Letter extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Folder, { nullable: true })
  folder?: Rel<Folder>;

  @Property({ type: 'text', nullable: true })
  deletedBy: string | null = null;
}

/** Bodies of a `BEFORE UPDATE` trigger. */
const CHANGES = {
  rounds: `new.deleted_at = date_trunc('second', new.deleted_at)`,
  'replaces by now()': `if new.deleted_at is not null then new.deleted_at = now(); end if`,
  'replaces by clock_timestamp()': `if new.deleted_at is not null then new.deleted_at = clock_timestamp(); end if`,
  'always writes now()': `new.deleted_at = now()`,
  'sets back': `new.deleted_at = old.deleted_at`,
  clears: `new.deleted_at = null`,
};

describe('a time of deletion that the database changes', () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([Folder, Letter]);
  });

  beforeEach(() =>
    test.database.query(`
      truncate folder, letter restart identity cascade;
      insert into folder default values; insert into folder default values;
      insert into letter (folder_id) values (1), (1), (2)`),
  );

  afterAll(() => test.close());

  const repository = <Entity extends object>(entity: new () => Entity) =>
    new SoftDeleteRepository<Entity>(test.orm.em.fork(), entity);
  const deleted = async () =>
    test.database.query<{ row: string }>(`
      select 'folder ' || id as row from folder where deleted_at is not null
      union all select 'letter ' || id from letter where deleted_at is not null order by 1`);

  async function withTrigger(table: string, body: string, work: () => Promise<void>, when = ''): Promise<void> {
    await test.database.query(`
      create function meddle() returns trigger language plpgsql as $$ begin ${body}; return new; end $$;
      create trigger meddle before update on ${table} for each row ${when} execute function meddle()`);
    try {
      await work();
    } finally {
      await test.database.query(`drop trigger meddle on ${table}; drop function meddle()`);
    }
  }

  const refusal = (entity: string, table: string, count: number) => ({
    restrictions: [{ relation: `a trigger of ${table} that changes the time of deletion`, entity, count }],
  });

  const DOORS: Record<string, { run: () => Promise<unknown>; table: string; entity: string; count: number }> = {
    'softDelete() by key': { run: () => repository(Letter).softDelete(1), table: 'letter', entity: 'Letter', count: 1 },
    'softDelete() by condition': {
      run: () => repository(Letter).softDelete({ folder: { id: 1 } }),
      table: 'letter',
      entity: 'Letter',
      count: 2,
    },
    'softDelete() of rows that others wait for': {
      run: () => repository(Folder).softDelete({ id: { $lt: 3 } }),
      table: 'folder',
      entity: 'Folder',
      count: 2,
    },
    'a cascade': { run: () => repository(Folder).softDelete(1), table: 'letter', entity: 'Letter', count: 2 },
    'nativeDelete()': {
      run: () => test.orm.em.fork().nativeDelete(Letter, { id: 3 }),
      table: 'letter',
      entity: 'Letter',
      count: 1,
    },
    'em.remove()': {
      run: async () => {
        const em = test.orm.em.fork();
        await em.remove(await em.findOneOrFail(Letter, 1)).flush();
      },
      table: 'letter',
      entity: 'Letter',
      count: 1,
    },
    'em.remove() of two': {
      run: async () => {
        const em = test.orm.em.fork();
        (await em.find(Letter, [1, 2])).forEach((letter) => em.remove(letter));
        await em.flush();
      },
      table: 'letter',
      entity: 'Letter',
      count: 2,
    },
    'the cascade of a flush': {
      run: async () => {
        const em = test.orm.em.fork();
        await em.remove(await em.findOneOrFail(Folder, 1)).flush();
      },
      table: 'letter',
      entity: 'Letter',
      count: 2,
    },
    'orphan removal': {
      run: async () => {
        const em = test.orm.em.fork();
        const folder = await em.findOneOrFail(Folder, 1, { populate: ['letters'] });
        folder.letters.remove(folder.letters[0]!);
        await em.flush();
      },
      table: 'letter',
      entity: 'Letter',
      count: 1,
    },
    'removeAll() of an unloaded collection': {
      run: async () => {
        const em = test.orm.em.fork();
        const folder = await em.findOneOrFail(Folder, 1);
        folder.letters.removeAll();
        await em.flush();
      },
      table: 'letter',
      entity: 'Letter',
      count: 2,
    },
  };

  describe.each(Object.entries(CHANGES))('by a trigger that %s', (_name, body) => {
    it.each(Object.entries(DOORS))('refuses %s, and changes nothing', async (_door, { run, table, entity, count }) => {
      await withTrigger(table, body, async () => {
        const error = await run().catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(DeletionRestrictedError);
        expect(error).toMatchObject(refusal(entity, table, count));
        expect((error as Error).message).toContain('leave the time as it is written');
      });
      await expect(deleted()).resolves.toEqual([]);
    });
  });

  it('is told by a dry run, with all that would be deleted', async () => {
    await withTrigger('letter', CHANGES.rounds, () =>
      expect(repository(Folder).softDelete(1, { dryRun: true })).resolves.toEqual({
        affected: { Folder: 1, Letter: 2 },
        total: 3,
        ...refusal('Letter', 'letter', 2),
      }),
    );
  });

  it('is refused for a column that has fewer digits than the entity says', async () => {
    await test.database.query('alter table letter alter column deleted_at type timestamptz(0)');
    try {
      for (const door of ['softDelete() by key', 'em.remove()']) {
        const restrictions = [{ relation: "the column's type of letter that changes the time of deletion" }];
        await expect(DOORS[door]!.run()).rejects.toMatchObject({ restrictions });
      }
      await expect(deleted()).resolves.toEqual([]);
    } finally {
      await test.database.query('alter table letter alter column deleted_at type timestamptz');
    }
  });

  it('does not let half a deletion be committed by a transaction that goes on', async () => {
    await withTrigger('letter', CHANGES.rounds, async () => {
      const em = test.orm.em.fork();
      await em
        .transactional(async (tx) => {
          tx.remove(await tx.findOneOrFail(Folder, 1));
          await tx.flush().catch(() => undefined);
        })
        .catch(() => undefined);
    });
    await expect(deleted()).resolves.toEqual([]);
  });

  it('keeps the entity of a refused flush active', async () => {
    await withTrigger('letter', CHANGES.rounds, async () => {
      const em = test.orm.em.fork();
      const letter = await em.findOneOrFail(Letter, 1);
      await expect(em.remove(letter).flush()).rejects.toThrow(DeletionRestrictedError);
      expect(letter.deletedAt).toBeNull();
    });
    await expect(deleted()).resolves.toEqual([]);
  });

  it.each([
    ['a trigger that has nothing to do with the time', `new.deleted_by = coalesce(new.deleted_by, 'nobody')`],
    ['a trigger that keeps the first time', `new.deleted_at = coalesce(old.deleted_at, new.deleted_at)`],
  ])('does not take a row that somebody else has deleted meanwhile for one, beside %s', async (_what, body) => {
    const em = test.orm.em.fork();
    const letter = await em.findOneOrFail(Letter, 1);
    await test.database.query(`update letter set deleted_at = '2024-05-01 12:00:00+00' where id = 1`);
    await withTrigger('letter', body, () => em.remove(letter).flush());
    expect(letter.deletedAt).toEqual(new Date('2024-05-01T12:00:00Z'));
    await expect(test.database.query('select deleted_at from letter where id = 1')).resolves.toEqual([
      { deleted_at: new Date('2024-05-01T12:00:00Z') },
    ]);
  });

  it('gives memory what a trigger writes as the one who has deleted, of what no flush has named', async () => {
    await withTrigger('letter', `if new.deleted_at is not null then new.deleted_by = 'trigger'; end if`, async () => {
      const em = test.orm.em.fork();
      const letters = await em.findAll(Letter, { orderBy: { id: 1 } });
      await new SoftDeleteRepository(em, Letter).softDelete(1);
      expect(letters.map(({ deletedBy }) => deletedBy)).toEqual(['trigger', null, null]);
    });
  });

  it('leaves memory the actor of a flush for what that has named, and never writes it over the trigger’s', async () => {
    await withTrigger('letter', `if new.deleted_at is not null then new.deleted_by = 'trigger'; end if`, async () => {
      const em = test.orm.em.fork();
      const [folder, named, other] = [
        await em.findOneOrFail(Folder, 1),
        await em.findOneOrFail(Letter, 3),
        await em.findOneOrFail(Letter, 1),
      ];
      await em.remove(folder).remove(named).flush();
      expect([named.deletedBy, other.deletedBy]).toEqual([null, 'trigger']);
      test.statements.length = 0;
      await em.flush();
      expect(test.statements).toEqual([]);
    });
    await expect(
      test.database.query('select deleted_by from letter where deleted_at is not null group by 1'),
    ).resolves.toEqual([{ deleted_by: 'trigger' }]);
  });

  it.each([
    ['an audit', 'on update to letter do also notify letters'],
    ['nothing', 'on update to letter do instead nothing'],
    ['something else under a condition', 'on update to letter where old.id = 1 do instead nothing'],
    ['an audit of removals', 'on delete to letter do also notify letters'],
    ['no removal', 'on delete to letter do instead nothing'],
  ])('refuses what a rule turns into %s, with an error that says so', async (_what, rule) => {
    await test.database.query(`update letter set deleted_at = now() where id = 3; create rule meddle as ${rule}`);
    const ofDeletes = rule.startsWith('on delete');
    const runs = ofDeletes
      ? [() => repository(Letter).hardDelete(1), () => repository(Folder).hardDelete(1)]
      : [
          () => repository(Letter).softDelete([1, 2]),
          () => repository(Letter).softDelete({ folder: { id: 1 } }),
          () => repository(Folder).softDelete(1),
          () => repository(Letter).restore(3),
          DOORS['the cascade of a flush']!.run,
        ];
    try {
      for (const run of runs) {
        const error = await run().catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(SoftDeleteConfigError);
        expect((error as Error).message).toMatch(/rule.*into triggers\.$/s);
      }
      await expect(test.database.query('select id from letter where deleted_at is not null')).resolves.toEqual([
        { id: 3 },
      ]);
      await expect(test.database.query('select id from letter')).resolves.toHaveLength(3);
    } finally {
      await test.database.query('drop rule meddle on letter');
    }
  });

  describe('to a restoration', () => {
    it.each([
      ['keeps the time', `new.deleted_at = old.deleted_at`, ''],
      ['writes another one', `new.deleted_at = now()`, ''],
      ['leaves out the row', `return null`, 'when (old.id = 2)'],
    ])('refuses it, where a trigger %s, and changes nothing', async (_name, body, when) => {
      await repository(Folder).softDelete(1);
      await withTrigger(
        'letter',
        body,
        async () => {
          const [em, keys] = [test.orm.em.fork(), when ? [2] : [1, 2]];
          const conflicts = keys.map((key) => ({
            reason: 'schema',
            entity: 'Letter',
            key,
            column: 'deleted_at',
            constraint: 'a trigger of letter that changes the time of deletion',
          }));
          const folders = new SoftDeleteRepository(em, Folder);
          const folder = await folders.withDeleted().findOneOrFail(1);
          const error = await folders.restore(1).catch((thrown: unknown) => thrown);
          expect(error).toBeInstanceOf(RestoreConflictError);
          expect(error).toMatchObject({ conflicts });
          expect((error as Error).message).toContain(`keeps Letter 2 deleted. Have it leave the time`);
          expect(folder.deletedAt).toBeInstanceOf(Date);
          await expect(folders.restore(1, { dryRun: true })).resolves.toEqual({
            affected: { Folder: 1, Letter: 2 },
            total: 3,
            conflicts,
          });
        },
        when,
      );
      await expect(deleted()).resolves.toHaveLength(3);
      await expect(repository(Folder).restore(1)).resolves.toMatchObject({ total: 3 });
    });
  });
});
