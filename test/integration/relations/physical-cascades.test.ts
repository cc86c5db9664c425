import { Collection, type Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { EntityManager } from '@mikro-orm/postgresql';
import {
  DeletionRestrictedError,
  PhysicalDeletionError,
  SoftDeletable,
  SoftDeletableEntity,
  SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@Entity()
class Team {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string', default: '' })
  name!: string;

  @ManyToOne({ entity: () => Team, nullable: true, deleteRule: 'cascade' })
  parent?: Rel<Team> | null;

  @OneToMany({ entity: () => Project, mappedBy: 'team', orphanRemoval: true })
  projects = new Collection<Project>(this);
}

@Entity()
class Project {
  @PrimaryKey({ type: 'number' })
  region!: number;

  @PrimaryKey({ type: 'number' })
  number!: number;

  @ManyToOne({ entity: () => Team, deleteRule: 'cascade' })
  team!: Rel<Team>;

  /** A circle with Team, cut off for removals. */
  @ManyToOne({ entity: () => Team, nullable: true, deleteRule: 'set null' })
  reviewer?: Rel<Team> | null;
}

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
class Task extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne({ entity: () => Project, deleteRule: 'cascade' })
  project!: Rel<Project>;
}

@Entity()
class Tool {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string', nullable: true, unique: true })
  code?: string | null;
}

describe('physical cascades', () => {
  let test: TestOrm;
  let em: EntityManager;

  beforeAll(async () => {
    test = await createTestOrm([Team, Project, Task, Tool]);
    // Only the database knows of these: a key to tools, through a table that nobody maps.
    await test.database.query(`
      create table drawer (id int primary key, tool_id int not null references tool on delete cascade);
      alter table task add column drawer_id int references drawer on delete cascade`);
  });
  afterAll(() => test.close());

  beforeEach(async () => {
    await test.database.query('truncate team, project, task, tool, drawer restart identity cascade');
    await test.database.query(`
      insert into team (name, parent_id) values ('top', null), ('sub', 1), ('empty', null), ('reviewers', null);
      insert into project (region, number, team_id, reviewer_id) values (1, 1, 2, 4), (1, 2, 3, null);
      insert into task (project_region, project_number, deleted_at) values (1, 1, now())`);
    em = test.orm.em.fork() as EntityManager;
    test.statements.length = 0;
  });

  const contents = async () =>
    (
      await test.database.query(
        'select (select count(*)::int from team) as team, (select count(*)::int from project) as project, (select count(*)::int from task) as task',
      )
    )[0];

  it('refuses the removal of a plain row from which keys lead to deleted rows at any depth', async () => {
    const team = await em.findOneOrFail(Team, 1);
    em.remove(team);
    const error = await em.flush().catch((e: unknown) => e);
    expect(error).toBeInstanceOf(DeletionRestrictedError);
    expect((error as DeletionRestrictedError).restrictions).toEqual([
      { relation: 'Task.project', entity: 'Task', count: 1 },
    ]);
    expect(await contents()).toEqual({ team: 4, project: 2, task: 1 });
    expect(test.statements.filter((sql) => /^(delete|begin)/.test(sql))).toEqual([]);
  });

  it('leaves the caller’s transaction usable', async () => {
    await em.transactional(async (tx) => {
      tx.remove(tx.getReference(Team, 2));
      await expect(tx.flush()).rejects.toThrow(DeletionRestrictedError);
      tx.clear();
      await tx
        .getConnection()
        .execute(`insert into team (name) values ('later')`, [], 'run', tx.getTransactionContext());
    });
    expect(await contents()).toEqual({ team: 5, project: 2, task: 1 });
  });

  it('stops at keys that set null, and asks one statement', async () => {
    em.remove(await em.findOneOrFail(Team, 3));
    await em.flush();
    test.statements.length = 0;
    em.remove(await em.findOneOrFail(Team, 4));
    test.statements.length = 0;
    await em.flush();
    expect(test.statements.filter((sql) => sql.includes('recursive'))).toHaveLength(1);
    expect(test.statements).toHaveLength(2);
    expect(await contents()).toEqual({ team: 2, project: 1, task: 1 });
  });

  it('refuses an unloaded removeAll() and set() of plain children with orphan removal', async () => {
    const team = await em.findOneOrFail(Team, 2);
    team.projects.removeAll();
    await expect(em.flush()).rejects.toThrow(DeletionRestrictedError);
    em = test.orm.em.fork() as EntityManager;
    const again = await em.findOneOrFail(Team, 2);
    again.projects.set([em.create(Project, { region: 9, number: 9, team: again })]);
    await expect(em.flush()).rejects.toThrow(DeletionRestrictedError);
    expect(await contents()).toEqual({ team: 4, project: 2, task: 1 });
    em = test.orm.em.fork() as EntityManager;
    const other = await em.findOneOrFail(Team, 3);
    other.projects.removeAll();
    await em.flush();
    expect(await contents()).toEqual({ team: 4, project: 1, task: 1 });
  });

  it('refuses em.nativeDelete() of plain rows, and lets it pass where nothing is behind', async () => {
    await expect(em.nativeDelete(Team, { name: 'top' })).rejects.toThrow(DeletionRestrictedError);
    await expect(em.nativeDelete(Project, { region: 1, number: 1 })).rejects.toThrow(DeletionRestrictedError);
    expect(await em.nativeDelete(Team, { name: 'empty' })).toBe(1);
    expect(await contents()).toEqual({ team: 3, project: 1, task: 1 });
  });

  it('refuses deletions of plain rows by query builders, and lets them pass where nothing is behind', async () => {
    const remove = (entity: typeof Team | typeof Project, where: object) =>
      em.createQueryBuilder<any>(entity).delete(where).execute();
    await expect(remove(Team, { name: 'top' })).rejects.toThrow(DeletionRestrictedError);
    await expect(remove(Team, { projects: { number: 1 } })).rejects.toThrow(DeletionRestrictedError);
    await expect(remove(Project, { region: 1, number: 1 })).rejects.toThrow(DeletionRestrictedError);
    await expect(em.createQueryBuilder(Team, 't').delete().where({ 't.name': 'top' }).execute()).rejects.toThrow(
      DeletionRestrictedError,
    );
    await expect(em.createQueryBuilder(Team).delete().execute()).rejects.toThrow(DeletionRestrictedError);
    await expect(em.transactional((tx) => tx.createQueryBuilder(Team).delete({ id: 1 }).execute())).rejects.toThrow(
      DeletionRestrictedError,
    );
    expect(await contents()).toEqual({ team: 4, project: 2, task: 1 });
    expect(await remove(Team, { name: 'empty' })).toMatchObject({ affectedRows: 1 });
    expect(await contents()).toEqual({ team: 3, project: 1, task: 1 });
  });

  it('refuses to truncate plain tables with which soft-deletable ones would be emptied', async () => {
    await expect((async () => em.createQueryBuilder(Team).truncate().execute())()).rejects.toThrow(
      /QueryBuilder\.truncate\(\) of Team.*rows of Task/,
    );
    await expect((async () => em.createQueryBuilder(Project).truncate().execute())()).rejects.toThrow(
      PhysicalDeletionError,
    );
    expect(await contents()).toEqual({ team: 4, project: 2, task: 1 });
  });

  it('follows keys and tables that only the database knows', async () => {
    await test.database.query(`
      insert into tool default values; insert into tool default values;
      insert into drawer values (1, 1), (2, 2); update task set drawer_id = 1`);
    em.remove(em.getReference(Tool, 1));
    await expect(em.flush()).rejects.toThrow(DeletionRestrictedError);
    em = test.orm.em.fork() as EntityManager;
    em.remove(em.getReference(Tool, 2));
    await em.flush();
    expect((await test.database.query('select id from tool')).map(({ id }) => id)).toEqual([1]);
    expect((await contents()).task).toBe(1);
  });

  it('lets a flush remove a row that it moves the others away from, and refuses one that it adds them to', async () => {
    await test.database.query('update task set deleted_at = null');
    const task = await em.findOneOrFail(Task, 1);
    task.project = await em.findOneOrFail(Project, { region: 1, number: 2 });
    em.remove(await em.findOneOrFail(Project, { region: 1, number: 1 }));
    await em.flush();
    expect(await contents()).toEqual({ team: 4, project: 1, task: 1 });

    em = test.orm.em.fork() as EntityManager;
    await test.database.query('insert into project (region, number, team_id) values (7, 7, 1)');
    const project = await em.findOneOrFail(Project, { region: 7, number: 7 });
    em.create(Task, { project });
    em.remove(project);
    await expect(em.flush()).rejects.toThrow(DeletionRestrictedError);
    expect(await contents()).toEqual({ team: 4, project: 2, task: 1 });
  });

  it('refuses to remove a plain row that is made anew with its unique value in the same flush, which removes it first', async () => {
    await test.database.query(`
      insert into tool (id, code) values (9, 'saw');
      insert into drawer values (1, 9);
      update task set drawer_id = 1`);
    const tool = await em.findOneOrFail(Tool, 9);
    em.remove(tool);
    em.create(Tool, { code: 'saw' } as never);

    await expect(em.flush()).rejects.toThrow(DeletionRestrictedError);

    await expect(test.database.query('select id, code from tool')).resolves.toEqual([{ id: 9, code: 'saw' }]);
    expect(await contents()).toEqual({ team: 4, project: 2, task: 1 });

    await test.database.query('update task set drawer_id = null');
    const later = test.orm.em.fork();
    later.remove(await later.findOneOrFail(Tool, 9));
    later.create(Tool, { code: 'saw' } as never);
    await later.flush();
    await expect(test.database.query('select id = 9 as old, code from tool')).resolves.toEqual([
      { old: false, code: 'saw' },
    ]);
  });

  it('follows circles of keys', async () => {
    await test.database.query('update team set parent_id = 2 where id = 1');
    em.remove(em.getReference(Team, 1));
    await expect(em.flush()).rejects.toThrow(DeletionRestrictedError);
  });
});
