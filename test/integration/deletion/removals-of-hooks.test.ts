import { Cascade, Collection, type EventArgs, type Rel } from '@mikro-orm/core';
import {
  AfterUpdate,
  BeforeCreate,
  BeforeDelete,
  BeforeUpdate,
  Entity,
  ManyToOne,
  OnInit,
  OneToMany,
  OnLoad,
  PrimaryKey,
  Property,
} from '@mikro-orm/decorators/legacy';
import type { EntityManager } from '@mikro-orm/postgresql';
import { SoftDeletable, SoftDeletableEntity } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

type Hook = (args: EventArgs<any>) => void;

/** What the hooks of the entities do in the test at hand. */
let hooks: Partial<Record<string, Hook>> = {};
const run = (name: string, args: EventArgs<any>) => hooks[name]?.(args);

@SoftDeletable<Folder>({ relations: { files: 'cascade' } })
@Entity()
class Folder extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'text' })
  name!: string;

  @OneToMany(() => File, (file) => file.folder, { cascade: [Cascade.ALL] })
  files = new Collection<File>(this);

  @BeforeUpdate()
  beforeUpdate(args: EventArgs<Folder>): void {
    run('beforeUpdate', args);
  }

  @AfterUpdate()
  afterUpdate(args: EventArgs<Folder>): void {
    run('afterUpdate', args);
  }

  @BeforeDelete()
  beforeDelete(args: EventArgs<Folder>): void {
    run('beforeDelete', args);
  }

  @OnInit()
  onInit(args: EventArgs<Folder>): void {
    run('onInit', args);
  }

  @OnLoad()
  onLoad(args: EventArgs<Folder>): void {
    run('onLoad', args);
  }
}

@SoftDeletable()
@Entity()
class File extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne(() => Folder)
  folder!: Rel<Folder>;
}

/** Not soft-deletable. */
@Entity()
class Lock {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'text', nullable: true })
  note?: string | null;

  @BeforeDelete()
  beforeDelete(args: EventArgs<Lock>): void {
    run('beforeDelete of a plain entity', args);
  }

  @BeforeCreate()
  beforeCreate(args: EventArgs<Lock>): void {
    run('beforeCreate of a plain entity', args);
  }
}

describe.each([false, true])('removals that hooks of entities ask for, in a transaction: %s', (inside) => {
  let test: TestOrm;
  let em: EntityManager;

  beforeAll(async () => {
    test = await createTestOrm([Folder, File, Lock]);
  });
  afterAll(() => test.close());

  beforeEach(async () => {
    hooks = {};
    await test.database.query(`
      truncate folder, file, lock restart identity cascade;
      insert into folder (name) values ('one'), ('two'), ('three');
      insert into file (folder_id) values (1), (2), (3);
      insert into lock (note) values ('a')`);
    em = test.orm.em.fork() as EntityManager;
  });

  const deleted = async (table: string) =>
    (await test.database.query(`select id from ${table} where deleted_at is not null order by id`)).map(
      ({ id }) => id as number,
    );
  /** Flushes until nothing is left to do. */
  const work = async (change: (em: EntityManager) => Promise<unknown>) => {
    const all = async (manager: EntityManager) => {
      await change(manager);
      await manager.flush();
      await manager.flush();
    };
    await (inside ? em.transactional((tx) => all(tx as EntityManager)) : all(em));
    const physical = test.statements.filter((sql) => /^delete from "(folder|file)"/i.test(sql));
    expect(physical).toEqual([]);
    test.statements.length = 0;
    await em.flush();
    expect(test.statements.filter((sql) => /^(insert|update|delete)/i.test(sql))).toEqual([]);
    expect(await test.database.query('select count(*)::int as count from folder')).toEqual([{ count: 3 }]);
  };
  const once = (name: string, hook: Hook) => {
    hooks[name] = (args) => {
      delete hooks[name];
      hook(args);
    };
  };

  /** Each asks in the middle of a flush for the removal of the second folder. */
  const ASKING: Record<string, (manager: EntityManager, two: Folder) => Promise<void>> = {
    'beforeUpdate of another entity': async (manager, two) => {
      once('beforeUpdate', (args) => void args.em.remove(two));
      (await manager.findOneOrFail(Folder, 1)).name = 'changed';
    },
    'afterUpdate of another entity': async (manager, two) => {
      once('afterUpdate', (args) => void args.em.remove(two));
      (await manager.findOneOrFail(Folder, 1)).name = 'changed';
    },
    'its own beforeUpdate': async (_manager, two) => {
      once('beforeUpdate', (args) => void args.em.remove(args.entity));
      two.name = 'changed';
    },
    'beforeUpdate of another removal': async (manager, two) => {
      once('beforeUpdate', (args) => void args.em.remove(two));
      manager.remove(await manager.findOneOrFail(Folder, 1));
    },
    'afterUpdate of another removal': async (manager, two) => {
      once('afterUpdate', (args) => void args.em.remove(two));
      manager.remove(await manager.findOneOrFail(Folder, 1));
    },
    'beforeUpdate of another removal, as an orphan': async (manager, two) => {
      once('beforeUpdate', (args) => (args.em as EntityManager).getUnitOfWork().scheduleOrphanRemoval(two));
      manager.remove(await manager.findOneOrFail(Folder, 1));
    },
    'beforeDelete of a plain entity': async (manager, two) => {
      once('beforeDelete of a plain entity', (args) => void args.em.remove(two));
      manager.remove(await manager.findOneOrFail(Lock, 1));
    },
    'beforeCreate of a plain entity': async (manager, two) => {
      once('beforeCreate of a plain entity', (args) => void args.em.remove(two));
      manager.create(Lock, { note: 'b' } as never);
    },
  };

  // Once a flush has written, the ORM forgets what was asked for while it did (`postCommitCleanup` in `UnitOfWork.js`).
  it.each(Object.keys(ASKING))('in the middle of a flush are forgotten as the ORM forgets them: %s', async (asking) => {
    let two: Folder | undefined;
    await work(async (manager) => {
      two = await manager.findOneOrFail(Folder, 2);
      await ASKING[asking]!(manager, two);
    });
    expect(await deleted('folder')).toEqual(asking.includes('another removal') ? [1] : []);
    expect(hooks).toEqual({});

    await work(async (manager) => manager.remove(two!));
    expect(await deleted('folder')).toEqual(asking.includes('another removal') ? [1, 2] : [2]);
    expect(await deleted('file')).toEqual(await deleted('folder'));
  });

  it('and never runs beforeDelete for what is deleted softly', async () => {
    const called: string[] = [];
    hooks['beforeDelete'] = () => void called.push('beforeDelete');
    hooks['beforeUpdate'] = () => void called.push('beforeUpdate');
    await work(async (manager) => manager.remove(await manager.findOneOrFail(Folder, 1)));
    expect(called).toEqual(['beforeUpdate']);
  });

  it.each(['onInit', 'onLoad'])('in %s, of what has just been read', async (name) => {
    await work(async (manager) => {
      hooks[name] = (args) => {
        if ((args.entity as Folder).name === 'two') {
          delete hooks[name];
          manager.remove(args.entity);
        }
      };
      await manager.find(Folder, {}, { orderBy: { id: 1 } });
    });
    expect(await deleted('folder')).toEqual([2]);
    expect(await deleted('file')).toEqual([2]);
  });

  it('by scheduling orphans', async () => {
    await work(async (manager) => {
      const [one, two] = await manager.find(Folder, [1, 2], { orderBy: { id: 1 } });
      manager.getUnitOfWork().scheduleOrphanRemoval(one!);
      manager.getUnitOfWork().scheduleOrphanRemoval(two!);
    });
    expect(await deleted('folder')).toEqual([1, 2]);
    expect(await deleted('file')).toEqual([1, 2]);
  });

  it('but not of an orphan that was called off', async () => {
    await work(async (manager) => {
      const [one, two] = await manager.find(Folder, [1, 2], { orderBy: { id: 1 } });
      manager.getUnitOfWork().scheduleOrphanRemoval(one!);
      manager.getUnitOfWork().scheduleOrphanRemoval(two!);
      manager.getUnitOfWork().cancelOrphanRemoval(one!);
    });
    expect(await deleted('folder')).toEqual([2]);
    expect(await deleted('file')).toEqual([2]);
  });
});
