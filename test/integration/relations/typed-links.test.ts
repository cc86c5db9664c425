import { Collection } from '@mikro-orm/core';
import { Entity, ManyToMany, PrimaryKey } from '@mikro-orm/decorators/legacy';
import { SoftDeletable, SoftDeletableEntity, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { KEY_TYPES, KEY_TYPES_SQL, type KeyType } from '../../support/key-types.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

/** Two entities with keys of one type, linked many to many. */
function links({ name, column, value }: KeyType) {
  @SoftDeletable()
  @Entity({ tableName: `${name}_group`, repository: () => SoftDeleteRepository })
  class Group extends SoftDeletableEntity {
    @PrimaryKey(column as never)
    id!: any;

    @ManyToMany(() => Member, (member: Member) => member.groups, { owner: true, pivotTable: `${name}_link` })
    members = new Collection<Member>(this);
  }

  @SoftDeletable()
  @Entity({ tableName: `${name}_member`, repository: () => SoftDeleteRepository })
  class Member extends SoftDeletableEntity {
    @PrimaryKey(column as never)
    id!: any;

    @ManyToMany(() => Group, (group: Group) => group.members)
    groups = new Collection<Group>(this);
  }

  return { name, value, Group: Group as any, Member: Member as any };
}

/** MikroORM itself does not know the entity of a Date again. */
const LINKED = KEY_TYPES.filter(({ isIdentity }) => isIdentity !== false).map(links);

describe.each(LINKED)('unloaded links between keys of the type $name', ({ name, value, Group, Member }) => {
  let test: TestOrm;
  let em: any;

  beforeAll(async () => {
    test = await createTestOrm([Group, Member], {}, {}, KEY_TYPES_SQL);
  });
  afterAll(() => test.close());

  /** The members 1 to 3 are in the group 1, the third is deleted; the fourth is in none; the group 2 has the first. */
  beforeEach(async () => {
    await test.database.query(`delete from ${name}_link; delete from ${name}_group; delete from ${name}_member`);
    const setup: any = test.orm.em.fork();
    const members = [1, 2, 3, 4].map((n) => setup.create(Member, { id: value(n) }));
    setup.create(Group, { id: value(1), members: members.slice(0, 3) });
    setup.create(Group, { id: value(2), members: members.slice(0, 1) });
    await setup.flush();
    setup.remove(members[2]);
    await setup.flush();
    em = test.orm.em.fork();
  });

  /** The numbers of groups and members that are linked. */
  const linked = async () => {
    const numbers = (table: string) =>
      `(select row_number() over (order by id) as n, id from ${name}_${table}) as ${table}`;
    const rows = await test.database.query(
      `select "group".n::int as g, member.n::int as m from ${name}_link as l
       join ${numbers('group').replace(/group$/, '"group"')} on "group".id = l.group_id
       join ${numbers('member')} on member.id = l.member_id order by 1, 2`,
    );
    return rows.map(({ g, m }) => `${g}-${m}`);
  };

  it('keeps those of deleted rows when the collection is emptied', async () => {
    expect(await linked()).toEqual(['1-1', '1-2', '1-3', '2-1']);
    const group: any = await em.findOneOrFail(Group, value(1));
    group.members.removeAll();
    await em.flush();
    expect(await linked()).toEqual(['1-3', '2-1']);
  });

  it('keeps those of deleted rows when the collection is replaced', async () => {
    const group: any = await em.findOneOrFail(Group, value(1));
    group.members.set([em.getReference(Member, value(2)), em.getReference(Member, value(4))]);
    await em.flush();
    expect(await linked()).toEqual(['1-2', '1-3', '1-4', '2-1']);
  });

  it('takes the link of a deleted row that the collection is given for the one it is', async () => {
    const group: any = await em.findOneOrFail(Group, value(1));
    group.members.set([em.getReference(Member, value(3)), em.getReference(Member, value(1))]);
    await em.flush();
    expect(await linked()).toEqual(['1-1', '1-3', '2-1']);
  });

  it('does so from the other side', async () => {
    await em.getRepository(Group).softDelete(value(2));
    const other: any = test.orm.em.fork();
    const member: any = await other.findOneOrFail(Member, value(1));
    member.groups.removeAll();
    await other.flush();
    expect(await linked()).toEqual(['1-2', '1-3', '2-1']);
  });
});
