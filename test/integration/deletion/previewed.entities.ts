import { Cascade, Collection, PrimaryKeyProp, type Rel } from '@mikro-orm/core';
import {
  Entity,
  Filter,
  ManyToMany,
  ManyToOne,
  OneToMany,
  OneToOne,
  PrimaryKey,
  Property,
} from '@mikro-orm/decorators/legacy';
import { ActiveUnique, SoftDeletable, SoftDeletableEntity, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';

/** A cascade, a restricting relation, a kept one, a pivot table, a cycle, and values that are unique among active rows. */
@SoftDeletable<Team>({ relations: { contracts: 'restrict' } })
@Filter({ name: 'tenant', cond: ({ tenant }) => ({ tenant }), default: false })
@ActiveUnique({ properties: ['name'] })
@Entity({ repository: () => SoftDeleteRepository })
export class Team extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'number', default: 1 })
  tenant!: number;

  @Property({ type: 'string' })
  name!: string;

  @Property({ type: 'number', version: true })
  version!: number;

  @OneToOne(() => Player, { nullable: true, unique: false })
  captain?: Rel<Player> | null;

  @OneToMany(() => Player, (player) => player.team, { cascade: [Cascade.ALL] })
  players = new Collection<Player>(this);

  @OneToMany(() => Contract, (contract) => contract.team)
  contracts = new Collection<Contract>(this);
}

@SoftDeletable()
@ActiveUnique({ properties: ['shirt'] })
@Entity({ repository: () => SoftDeleteRepository })
export class Player extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'number' })
  shirt!: number;

  @ManyToOne(() => Team)
  team!: Rel<Team>;

  @ManyToMany(() => Badge, undefined, { owner: true })
  badges = new Collection<Badge>(this);
}

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
export class Badge extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
export class Contract extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Team)
  team!: Rel<Team>;
}

/** A tree in table-per-type inheritance. */
@SoftDeletable()
@Entity({ inheritance: 'tpt', repository: () => SoftDeleteRepository })
export abstract class Asset extends SoftDeletableEntity {
  @PrimaryKey({ type: 'bigint' })
  id!: bigint;
}

@Entity()
export class Folder extends Asset {
  @ManyToOne(() => Folder, { nullable: true })
  parent?: Rel<Folder> | null;

  @OneToMany(() => Folder, (folder) => folder.parent, { cascade: [Cascade.ALL] })
  folders = new Collection<Folder>(this);
}

/** Single-table inheritance with a property of another name, referring to itself. */
@SoftDeletable<Person>({ property: 'goneAt' })
@Entity({
  repository: () => SoftDeleteRepository,
  discriminatorColumn: 'kind',
  discriminatorMap: { person: 'Person', manager: 'Manager' },
})
export class Person {
  @PrimaryKey({ type: 'uuid', defaultRaw: 'gen_random_uuid()' })
  id!: string;

  @Property({ type: 'datetime', nullable: true })
  goneAt?: Date | null;

  @ManyToOne(() => Manager, { nullable: true, deleteRule: 'cascade' })
  manager?: Rel<Manager> | null;
}

@Entity()
export class Manager extends Person {
  @OneToMany(() => Person, (person) => person.manager)
  reports = new Collection<Person>(this);
}

/** Composite keys, one of which is a foreign key to the other. */
@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
export class Office extends SoftDeletableEntity {
  [PrimaryKeyProp]?: ['country', 'number'];

  @PrimaryKey({ type: 'string' })
  country!: string;

  @PrimaryKey({ type: 'number' })
  number!: number;

  @OneToMany(() => Desk, (desk) => desk.office, { cascade: [Cascade.ALL] })
  desks = new Collection<Desk>(this);
}

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
export class Desk extends SoftDeletableEntity {
  [PrimaryKeyProp]?: ['office', 'place'];

  @ManyToOne(() => Office, { primary: true })
  office!: Rel<Office>;

  @PrimaryKey({ type: 'number' })
  place!: number;
}

export const PREVIEWED = [Team, Player, Badge, Contract, Asset, Folder, Person, Manager, Office, Desk];
