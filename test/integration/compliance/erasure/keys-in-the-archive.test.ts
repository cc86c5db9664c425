import { Cascade, Collection, type Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, OneToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { SoftDeletable, SoftDeletableEntity } from 'nestjs-mikro-orm-soft-delete';
import { erased, ErasureService, PersonalData } from 'nestjs-mikro-orm-soft-delete/compliance';
import { useErasures } from './use-erasures.js';

/** An archived person whose row holds keys of rows that stay, and that rows may hold the key of without a foreign key. */
@PersonalData<Member>({ subject: true, fields: { email: erased.email() } })
@SoftDeletable({ strategy: 'archive' })
@Entity({ tableName: 'member' })
class Member {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  email!: string;

  @OneToOne(() => Pass, (pass) => pass.holder, { owner: true, nullable: true, unique: false })
  pass?: Rel<Pass> | null;

  @OneToOne(() => Locker, (locker) => locker.holder, {
    owner: true,
    nullable: true,
    unique: false,
    createForeignKeyConstraint: false,
  })
  locker?: Rel<Locker> | null;

  @OneToMany({ entity: () => Remark, mappedBy: 'by', cascade: [Cascade.REMOVE] })
  remarks = new Collection<Remark>(this);
}

@PersonalData<Pass>({ of: 'holder', fields: { label: null } })
@Entity({ tableName: 'pass' })
class Pass {
  @PrimaryKey({ type: 'string', columnType: 'char(4)' })
  id!: string;

  @OneToOne(() => Member, (member) => member.pass)
  holder?: Rel<Member>;

  @Property({ type: 'string', nullable: true })
  label?: string | null;
}

/** Soft-deleted, and goes with its person; with a row two steps away. */
@PersonalData<Locker>({ of: 'holder', erase: 'row' })
@SoftDeletable()
@Entity({ tableName: 'locker' })
class Locker extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @OneToOne(() => Member, (member) => member.locker)
  holder?: Rel<Member>;

  @Property({ type: 'string', nullable: true })
  content?: string | null;
}

@PersonalData<Coat>({ of: 'locker.holder', fields: { owner: null } })
@Entity({ tableName: 'coat' })
class Coat {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Locker, { nullable: true })
  locker?: Rel<Locker> | null;

  @Property({ type: 'string', nullable: true })
  owner?: string | null;
}

@PersonalData<Remark>({ of: 'by', fields: { text: '-' } })
@Entity({ tableName: 'remark' })
class Remark {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne({ entity: () => Member, createForeignKeyConstraint: false })
  by!: Rel<Member>;

  @Property({ type: 'string' })
  text!: string;
}

describe(`${ErasureService.name} and rows whose key only the archive has`, () => {
  const test = useErasures([Member, Pass, Locker, Coat, Remark]);
  const query = (sql: string) => test.rows(sql);

  beforeEach(() =>
    query(`insert into pass (id, label) values ('p1', 'pass of Anita'), ('p2', 'pass of Bea');
      insert into locker (id, content) values (1, 'shoes of Anita'), (2, 'shoes of Bea');
      insert into coat (locker_id, owner) values (1, 'coat of Anita'), (2, 'coat of Bea');
      insert into member (id, email, pass_id, locker_id) values
        (1, 'anita@example.org', 'p1', 1), (2, 'bea@example.org', 'p2', 2), (3, 'cleo@example.org', null, null)`),
  );
  const archive = (...ids: number[]) => test.repo(Member).softDelete(ids);
  const labels = async () => (await query('select label from pass order by id')).map(({ label }) => label);
  const lockers = async () => (await query('select content from locker order by id')).map(({ content }) => content);
  const coats = async () => (await query('select owner from coat order by id')).map(({ owner }) => owner);
  const erase = async (id: number) => {
    const plan = await test.erasures.plan(Member, id);
    const { outcome, entities, residue } = await test.erasures.erase(Member, id);
    expect(plan.entities).toEqual(entities);
    return { outcome, residue, entities: entities.filter(({ entity }) => entity !== 'Member') };
  };

  it('reaches them, what is behind them, and what is deleted, and nothing of others', async () => {
    await archive(1, 2);
    await query('update locker set deleted_at = now() where id = 1');
    const { entities, ...rest } = await erase(1);
    expect(rest).toEqual({ outcome: 'completed', residue: 0 });
    expect(entities).toMatchObject([
      { entity: 'Coat', overwritten: 1 },
      { entity: 'Locker', deleted: 1 },
      { entity: 'Pass', overwritten: 1 },
    ]);
    expect([await labels(), await lockers(), await coats()]).toEqual([
      [null, 'pass of Bea'],
      ['shoes of Bea'],
      [null, 'coat of Bea'],
    ]);
    expect(await test.tablesWith('of Anita')).toEqual([]);
    expect((await test.erasures.erase(Member, 1)).outcome).toBe('completed');
  });

  it.each([
    ['an active row', async () => query(`update member set pass_id = 'p1', locker_id = 1 where id = 3`)],
    [
      'a row that was archived later',
      async () => {
        await query(`update member set pass_id = 'p1', locker_id = 1 where id = 3`);
        await archive(3);
      },
    ],
  ])('leaves them to %s of somebody else that holds the key', async (_what, take) => {
    await archive(1);
    await take();
    expect(await erase(1)).toEqual({ outcome: 'completed', residue: 0, entities: [] });
    expect([await labels(), await lockers(), await coats()]).toEqual([
      ['pass of Anita', 'pass of Bea'],
      ['shoes of Anita', 'shoes of Bea'],
      ['coat of Anita', 'coat of Bea'],
    ]);
    // They are that one's, and go with it.
    expect((await erase(3)).outcome).toBe('completed');
    expect([await labels(), await lockers(), await coats()]).toEqual([
      [null, 'pass of Bea'],
      ['shoes of Bea'],
      [null, 'coat of Bea'],
    ]);
  });

  it('says so where two were archived at once with the same key, and touches nothing', async () => {
    await query(`update member set pass_id = 'p1', locker_id = 1 where id = 3`);
    await archive(1, 3);
    const { outcome, entities } = await erase(1);
    expect(outcome).toBe('partial');
    expect(entities.find(({ entity }) => entity === 'Pass')).toMatchObject({
      overwritten: 0,
      kept: [{ key: 'p1  ', ground: 'Member 3 holds its key as well', until: null }],
    });
    expect([await labels(), await lockers(), await coats()]).toEqual([
      ['pass of Anita', 'pass of Bea'],
      ['shoes of Anita', 'shoes of Bea'],
      ['coat of Anita', 'coat of Bea'],
    ]);
  });

  it('reaches rows that hold the key of an archived person without a foreign key', async () => {
    await archive(1, 2);
    await query(`insert into remark (by_id, text) values (1, 'I was Anita'), (2, 'I was Bea')`);
    expect(await erase(1)).toMatchObject({ outcome: 'completed', residue: 0 });
    expect(await query('select text from remark order by id')).toEqual([{ text: '-' }, { text: 'I was Bea' }]);
  });

  it('honours a hold on what the archived person leads to', async () => {
    await archive(1);
    const { id } = await test.holds.place({ name: 'case', reason: 'r', on: [[Locker, 1]] });
    expect(await erase(1)).toMatchObject({ outcome: 'partial' });
    expect([await lockers(), await coats()]).toEqual([
      ['shoes of Anita', 'shoes of Bea'],
      ['coat of Anita', 'coat of Bea'],
    ]);
    await test.holds.release(id, { reason: 'over' });
    await test.erasures.run();
    expect([await lockers(), await coats()]).toEqual([['shoes of Bea'], [null, 'coat of Bea']]);
  });
});
