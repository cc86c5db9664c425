import { Collection, type Rel } from '@mikro-orm/core';
import { Entity, ManyToMany, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import {
  complianceEntities,
  createCompliance,
  erased,
  ErasureUndeclaredError,
  PersonalData,
} from 'nestjs-mikro-orm-soft-delete/compliance';
import { createTestOrm } from '../../../support/orm.js';
import { useErasures } from './use-erasures.js';

@PersonalData<Player>({ subject: true, erase: 'row', fields: { email: erased.email() } })
@Entity({ tableName: 'player' })
class Player {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  email!: string;

  @ManyToMany({ entity: () => Team, pivotEntity: () => Membership })
  teams = new Collection<Team>(this);

  @ManyToMany({ entity: () => Team, pivotEntity: () => Contract })
  employers = new Collection<Team>(this);

  @ManyToMany({ entity: () => Team, pivotTable: 'fan' })
  favourites = new Collection<Team>(this);
}

@Entity({ tableName: 'team' })
class Team {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  name!: string;
}

@PersonalData<Membership>({ of: 'player', fields: { nickname: '-' } })
@Entity({ tableName: 'membership' })
class Membership {
  @ManyToOne(() => Player, { primary: true })
  player!: Rel<Player>;

  @ManyToOne(() => Team, { primary: true })
  team!: Rel<Team>;

  @Property({ type: 'string' })
  nickname!: string;
}

@PersonalData<Contract>({ of: 'player', fields: { terms: '-' }, keep: { for: '1y', from: 'signedOn', ground: 'law' } })
@Entity({ tableName: 'contract' })
class Contract {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Player)
  player!: Rel<Player>;

  @ManyToOne(() => Team)
  team!: Rel<Team>;

  @Property({ type: 'text' })
  terms!: string;

  @Property({ type: 'date' })
  signedOn!: string;
}

@PersonalData<Visitor>({ subject: true, fields: { name: '-' } })
@Entity({ tableName: 'visitor' })
class Visitor {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  name!: string;

  @ManyToMany({ entity: () => Team, pivotEntity: () => Ticket })
  games = new Collection<Team>(this);

  @ManyToMany({ entity: () => Team, pivotTable: 'cheer' })
  cheers = new Collection<Team>(this);
}

/** Nobody says whether the remark is personal. */
@Entity({ tableName: 'ticket' })
class Ticket {
  @ManyToOne(() => Visitor, { primary: true })
  visitor!: Rel<Visitor>;

  @ManyToOne(() => Team, { primary: true })
  team!: Rel<Team>;

  @Property({ type: 'string' })
  remark!: string;
}

describe('An erasure and pivot tables with entities of their own', () => {
  const test = useErasures([Player, Team, Membership, Contract]);

  beforeEach(() =>
    test.database.query(`
      insert into player (email) values ('ada@example.org'), ('bob@example.org');
      insert into team (name) values ('one');
      insert into membership values (1, 1, 'The Countess'), (2, 1, 'Bobby');
      insert into fan values (1, 1), (2, 1)`),
  );

  it('overwrites them where the person stays, and removes them with a person who goes', async () => {
    expect(await test.erasures.erase(Player, 1)).toMatchObject({
      outcome: 'completed',
      entities: [
        { entity: 'Membership', overwritten: 1, fields: ['nickname'] },
        { entity: 'Player', deleted: 1 },
      ],
    });
    expect(await test.rows('select player_id, nickname from membership')).toEqual([
      { player_id: 2, nickname: 'Bobby' },
    ]);
    expect(await test.rows('select player_id from fan')).toEqual([{ player_id: 2 }]);
    expect(await test.tablesWith('Countess')).toEqual([]);
  });

  it('leaves those that the law keeps, and with them the person whose they are, and then erases them', async () => {
    await test.database.query(
      `insert into contract (player_id, team_id, terms, signed_on) values (1, 1, 'a pound a week', now())`,
    );
    expect(await test.erasures.erase(Player, 1)).toMatchObject({
      outcome: 'partial',
      entities: [
        { entity: 'Contract', kept: [{ key: 1, ground: 'law' }] },
        { entity: 'Membership', overwritten: 1 },
        { entity: 'Player', deleted: 0, overwritten: 1 },
      ],
    });
    expect(await test.rows('select terms from contract')).toEqual([{ terms: 'a pound a week' }]);
    expect(await test.rows('select nickname from membership where player_id = 1')).toEqual([{ nickname: '-' }]);
    await test.database.query(`update contract set signed_on = now() - interval '2 years'`);
    expect(await test.erasures.run()).toMatchObject([{ outcome: 'completed' }]);
    expect(await test.rows('select id from player')).toEqual([{ id: 2 }]);
    expect(await test.rows('select id from contract')).toEqual([]);
  });

  it('refuses those with texts of which nobody speaks, and passes over those that are nothing but keys', async () => {
    const other = await createTestOrm([Visitor, Team, Ticket, ...complianceEntities()]);
    await other.database.query(`insert into visitor (name) values ('Ada')`);
    const refused = createCompliance(other.orm).erasures.erase(Visitor, 1);
    await expect(refused).rejects.toMatchObject({
      constructor: ErasureUndeclaredError,
      undeclared: [{ entity: 'Ticket', properties: [] }],
    });
    expect(await other.database.query('select name from visitor')).toEqual([{ name: 'Ada' }]);
    await other.close();
  });
});
