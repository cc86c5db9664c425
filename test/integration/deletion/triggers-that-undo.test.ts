import { Cascade, Collection, type Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, PrimaryKey } from '@mikro-orm/decorators/legacy';
import { createPurge, SoftDeletable, SoftDeletableEntity, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable({ retention: '1d' })
@Entity()
class Folder extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @OneToMany(() => Letter, (letter) => letter.folder, { cascade: [Cascade.ALL] })
  letters = new Collection<Letter>(this);
}

@SoftDeletable({ retention: '1d' })
@Entity()
class Letter extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne(() => Folder, { deleteRule: 'no action' })
  folder!: Rel<Folder>;
}

describe('triggers that run after what a row has become', () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([Folder, Letter]);
  });
  beforeEach(() =>
    test.database.query(`truncate folder, letter;
      insert into folder (id) values (1), (2); insert into letter (id, folder_id) values (1, 1), (2, 1), (3, 2)`),
  );
  afterAll(() => test.close());

  const repo = () => test.orm.em.fork().getRepository(Folder) as unknown as SoftDeleteRepository<Folder>;
  const rows = async () =>
    (
      await test.database.query<{ row: string }>(`
        select 'folder ' || id || case when deleted_at is null then '' else ' deleted' end as row from folder
        union all select 'letter ' || id || case when deleted_at is null then '' else ' deleted' end from letter order by 1`)
    ).map(({ row }) => row);
  async function withTrigger(event: string, body: string, work: () => Promise<void>): Promise<void> {
    await test.database.query(`
      create function undo() returns trigger language plpgsql as $$ begin ${body}; return null; end $$;
      create trigger undo after ${event} for each row when (pg_trigger_depth() < 1) execute function undo()`);
    try {
      await work();
    } finally {
      await test.database.query('drop function undo() cascade');
    }
  }
  const doors: [string, () => Promise<unknown>][] = [
    ['softDelete()', () => repo().softDelete(1)],
    [
      'em.remove()',
      async () => {
        const em = test.orm.em.fork();
        await em.remove(await em.findOneOrFail(Folder, 1)).flush();
      },
    ],
  ];

  it.each(doors)('take a deletion back, and lose nothing: %s', async (_name, remove) => {
    await withTrigger('update on folder', 'update folder set deleted_at = null where id = new.id', async () => {
      await remove();
    });
    // Behind a row that is active again there is nothing to take along.
    await expect(rows()).resolves.toEqual(['folder 1', 'folder 2', 'letter 1', 'letter 2', 'letter 3']);
    await repo().softDelete(1);
    await expect(repo().restore(1)).resolves.toMatchObject({ total: 3 });
  });

  it.each(doors)('add rows behind the deleted one, which go along: %s', async (_name, remove) => {
    await withTrigger('update on folder', 'insert into letter (id, folder_id) values (9, new.id)', async () => {
      await remove();
    });
    await expect(rows()).resolves.toContain('letter 9 deleted');
    await expect(repo().restore(1)).resolves.toMatchObject({ total: 4 });
  });

  it('take a restoration back, and lose nothing', async () => {
    await repo().softDelete(1);
    await withTrigger('update on letter', 'update letter set deleted_at = now() where id = new.id', async () => {
      await repo().restore(1);
    });
    await expect(rows()).resolves.toEqual(['folder 1', 'folder 2', 'letter 1 deleted', 'letter 2 deleted', 'letter 3']);
  });

  it('put removed rows back, which a purge counts once and ends', async () => {
    await test.database.query(`update letter set deleted_at = now() - interval '2 days' where id < 3`);
    const body = 'insert into letter (id, folder_id, deleted_at) values (old.id, old.folder_id, old.deleted_at)';
    await withTrigger('delete on letter', body, async () => {
      const report = await createPurge(test.orm, { pauseBetweenBatches: 0 }).run();
      expect(report).toMatchObject({ outcome: 'completed', total: 2 });
      await expect(rows()).resolves.toEqual([
        'folder 1',
        'folder 2',
        'letter 1 deleted',
        'letter 2 deleted',
        'letter 3',
      ]);
    });
  });
});
