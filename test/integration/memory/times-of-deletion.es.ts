import { Collection, type Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/es';
import { SoftDeletable, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { type Moment, MomentType } from './moment-type.js';

@SoftDeletable({ property: 'gone' })
@Entity({ repository: () => SoftDeleteRepository })
class Decorated {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: MomentType, nullable: true })
  gone?: Moment | null;

  @OneToMany(() => Part, 'whole', { orphanRemoval: true })
  parts = new Collection<Part>(this);
}

@SoftDeletable({ property: 'gone' })
@Entity({ repository: () => SoftDeleteRepository })
class Part {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: MomentType, nullable: true })
  gone?: Moment | null;

  @ManyToOne(() => Decorated)
  whole!: Rel<Decorated>;
}

export { Decorated, Part };
