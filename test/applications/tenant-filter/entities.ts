import { Cascade, Collection, type Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { ActiveUnique, SoftDeletable, SoftDeletableEntity } from 'nestjs-mikro-orm-soft-delete';

@SoftDeletable({ retention: '30d' })
@ActiveUnique({ properties: ['tenant', 'name'] })
@Entity()
export class Project extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'text' })
  tenant!: string;

  @Property({ type: 'text' })
  name!: string;

  @OneToMany(() => Task, (task) => task.project, { cascade: [Cascade.PERSIST, Cascade.REMOVE] })
  tasks = new Collection<Task>(this);
}

@SoftDeletable({ retention: '30d' })
@Entity()
export class Task extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'text' })
  tenant!: string;

  @Property({ type: 'text' })
  title!: string;

  @ManyToOne(() => Project)
  project!: Rel<Project>;
}
