import { Cascade, Collection, type Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, PrimaryKey } from '@mikro-orm/decorators/legacy';
import { type EntityManager, MikroORM } from '@mikro-orm/postgresql';
import {
  DeletionRestrictedError,
  SoftDeletable,
  SoftDeletableEntity,
  SoftDeleteRepository,
  installSoftDelete,
} from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@Entity()
class Yard {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

@Entity()
class Shed {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Yard, { deleteRule: 'cascade' })
  yard!: Rel<Yard>;
}

@SoftDeletable()
@Entity()
class Crate extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Shed, { deleteRule: 'cascade' })
  shed!: Rel<Shed>;

  @OneToMany(() => Bottle, (bottle) => bottle.crate, { cascade: [Cascade.ALL] })
  bottles = new Collection<Bottle>(this);
}

@SoftDeletable()
@Entity()
class Bottle extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Crate, { deleteRule: 'cascade' })
  crate!: Rel<Crate>;
}

const TABLES = ['yard', 'shed', 'crate', 'bottle'];

describe('a physical removal by a role from which a policy hides rows', () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([Yard, Shed, Crate, Bottle]);
    await test.database.query(`
      create table label (id serial primary key, crate_id int references crate on delete cascade);
      create role watchman; grant usage on schema public to watchman;
      grant all on all tables in schema public to watchman`);
  });

  beforeEach(() =>
    test.database.query(`
      truncate yard, shed, crate, bottle, label restart identity;
      insert into yard default values; insert into yard default values;
      insert into shed (yard_id) values (1), (2);
      insert into crate (shed_id) values (1), (2);
      insert into bottle (crate_id) values (1), (1), (2);
      insert into label (crate_id) values (1), (2)`),
  );

  afterAll(async () => {
    await test.database.query('drop owned by watchman; drop role watchman');
    await test.close();
  });

  async function withPolicy(table: string, hidden: string, work: () => Promise<void>): Promise<void> {
    await test.database.query(
      `alter table ${table} enable row level security; create policy shown on ${table} using (not (${hidden}))`,
    );
    try {
      await work();
    } finally {
      await test.database.query(`drop policy shown on ${table}; alter table ${table} disable row level security`);
    }
  }

  const asWatchman = <Result>(work: (em: EntityManager) => Promise<Result>): Promise<Result> =>
    test.orm.em.fork().transactional(async (em) => {
      await em.execute('set local role watchman');
      return work(em);
    });

  const crates = (em: EntityManager) => new SoftDeleteRepository(em, Crate);
  const contents = async () => {
    const all = [...TABLES, 'label'].map((table) => test.database.query(`select id from ${table} order by id`));
    return (await Promise.all(all)).map((rows) => rows.length);
  };

  describe.each([
    ['rows of a marked entity', 'bottle', 'id = 2', 'Bottle'],
    ['rows that nothing maps', 'label', 'id = 1', 'public.label'],
  ])('by hardDelete() in front of %s', (_what, table, hidden, entity) => {
    const restrictions = [{ relation: `rows hidden by row-level security of public.${table}`, entity, count: 1 }];

    beforeEach(() => table === 'label' || test.database.query('truncate label'));

    it('is refused, and so is its preview', async () => {
      const before = await contents();
      await withPolicy(table, hidden, async () => {
        const error = await asWatchman((em) => crates(em).hardDelete(1)).catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(DeletionRestrictedError);
        expect(error).toMatchObject({ restrictions });
        expect(String(error)).toContain('BYPASSRLS');
        await expect(asWatchman((em) => crates(em).hardDelete(1, { dryRun: true }))).resolves.toMatchObject({
          restrictions,
        });
      });
      await expect(contents()).resolves.toEqual(before);
    });

    it('leaves a transaction usable that goes on after the refusal', async () => {
      await withPolicy(table, hidden, async () => {
        await asWatchman(async (em) => {
          await crates(em)
            .hardDelete(1)
            .catch(() => undefined);
          await em.execute('delete from bottle where id = 3');
        });
      });
      await expect(test.database.query('select id from bottle order by id')).resolves.toEqual([{ id: 1 }, { id: 2 }]);
    });
  });

  it('by hardDelete() goes on where all that goes along is seen', async () => {
    await test.database.query('truncate label');
    await withPolicy('bottle', 'id = 3', async () => {
      await expect(asWatchman((em) => crates(em).hardDelete(1))).resolves.toBe(3);
    });
    await expect(contents()).resolves.toEqual([2, 2, 1, 1, 0]);
  });

  it('by hardDelete() is refused where the policy applies to the owner of the table', async () => {
    await test.database.query('truncate label; alter table bottle owner to watchman');
    try {
      await withPolicy('bottle', 'id = 2', async () => {
        await test.database.query('alter table bottle force row level security');
        await expect(asWatchman((em) => crates(em).hardDelete(1))).rejects.toThrow(DeletionRestrictedError);
        await test.database.query('alter table bottle no force row level security');
        await expect(asWatchman((em) => crates(em).hardDelete(1))).resolves.toBe(3);
      });
    } finally {
      await test.database.query('alter table bottle owner to current_user');
    }
  });

  const doors: Record<string, (em: EntityManager) => Promise<unknown>> = {
    'em.remove() of a plain row': async (em) => em.remove(await em.findOneOrFail(Yard, 1)).flush(),
    'em.nativeDelete() of plain rows': (em) => em.nativeDelete(Yard, { id: 1 }),
  };

  describe.each(Object.keys(doors))('by %s', (door) => {
    it.each([
      ['the marked rows', 'crate', 'id = 1'],
      ['plain rows in front of marked ones', 'shed', 'id = 1'],
    ])('is refused where the policy hides %s', async (_which, table, hidden) => {
      const before = await contents();
      await withPolicy(table, hidden, async () => {
        await expect(asWatchman((em) => doors[door]!(em))).rejects.toThrow(DeletionRestrictedError);
        // Nothing of it can be committed by whoever catches the error.
        await asWatchman((em) => doors[door]!(em).catch(() => undefined)).catch(() => undefined);
      });
      await expect(contents()).resolves.toEqual(before);
    });

    it('goes on where nothing that goes along is hidden', async () => {
      await test.database.query('delete from crate where shed_id = 1');
      await withPolicy('crate', 'id = 2', async () => {
        await asWatchman((em) => doors[door]!(em));
      });
      await expect(contents()).resolves.toEqual([1, 1, 1, 1, 1]);
    });
  });

  it('by em.nativeDelete() without a transaction is refused as well', async () => {
    const before = await contents();
    await test.database.query(`alter role watchman login password 'secret'`);
    const url = new URL(test.database.url);
    [url.username, url.password] = ['watchman', 'secret'];
    const other = await MikroORM.init({ clientUrl: url.href, entities: [Yard, Shed, Crate, Bottle] });
    installSoftDelete(other);
    try {
      await withPolicy('crate', 'id = 1', async () => {
        await expect(other.em.fork().nativeDelete(Yard, { id: 1 })).rejects.toThrow(DeletionRestrictedError);
      });
      await expect(contents()).resolves.toEqual(before);
    } finally {
      await other.close(true);
    }
  });
});
