import { Cascade, Collection, type Ref } from '@mikro-orm/core';
import { Entity, ManyToMany, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { SoftDeletable, SoftDeletableEntity } from 'nestjs-mikro-orm-soft-delete';

@SoftDeletable({ retention: '30d' })
@Entity({ tableName: 'account' })
export class Account extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'text' })
  name!: string;

  @OneToMany(() => Project, (project) => project.account, { cascade: [Cascade.REMOVE] })
  projects = new Collection<Project>(this);

  @OneToMany(() => Session, (session) => session.account, { cascade: [Cascade.REMOVE] })
  sessions = new Collection<Session>(this);
}

@SoftDeletable({ retention: '10d' })
@Entity({ tableName: 'project' })
export class Project extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne(() => Account, { ref: true, index: true, deleteRule: 'restrict' })
  account!: Ref<Account>;

  @ManyToOne(() => Project, { ref: true, index: true, nullable: true, deleteRule: 'restrict' })
  parent?: Ref<Project>;

  @ManyToMany(() => Tag, undefined, { owner: true, pivotTable: 'project_tag' })
  tags = new Collection<Tag>(this);
}

/** A plain part of an account, which the ORM removes and the database refuses to. */
@Entity({ tableName: 'session' })
export class Session {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne(() => Account, { ref: true, index: true, deleteRule: 'restrict' })
  account!: Ref<Account>;
}

@Entity({ tableName: 'tag' })
export class Tag {
  @PrimaryKey({ type: 'integer' })
  id!: number;
}

/** A plain row that is no part of an account and must not be left without it. */
@Entity({ tableName: 'invoice' })
export class Invoice {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne(() => Account, { ref: true, index: true, deleteRule: 'restrict' })
  account!: Ref<Account>;
}
