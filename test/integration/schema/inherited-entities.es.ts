import { Entity, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/es';
import type { Rel } from '@mikro-orm/core';
import { ActiveIndex, ActiveUnique, SoftDeletable, SoftDeletableEntity } from 'nestjs-mikro-orm-soft-delete';

/** Marked, with siblings that declare different things below it. */
@SoftDeletable({ property: 'withdrawnAt' })
@Entity({ abstract: true })
abstract class Catalogued {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'Date', nullable: true })
  withdrawnAt?: Date;

  @ActiveUnique()
  @Property({ type: 'string' })
  signature!: string;
}

@Entity()
class Book extends Catalogued {
  @ActiveUnique()
  @Property({ type: 'string' })
  isbn!: string;
}

@Entity()
@ActiveUnique({ properties: ['publisher', 'sheet'] })
class Map extends Catalogued {
  @Property({ type: 'string' })
  publisher!: string;

  @ActiveIndex()
  @Property({ type: 'number' })
  sheet!: number;
}

/** Not marked: its heirs are, each in another way. */
@Entity({ abstract: true })
abstract class Named {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ActiveUnique()
  @Property({ type: 'string' })
  name!: string;
}

@SoftDeletable({ guard: true })
@Entity()
class Shelf extends Named {
  @Property({ type: 'Date', nullable: true })
  deletedAt?: Date;
}

@Entity()
@SoftDeletable({ purgeIndex: false })
class Branch extends Named {
  @Property({ type: 'Date', nullable: true, fieldName: 'closed' })
  deletedAt?: Date;
}

/** A single table below an abstract root, with an abstract class between it and one of the leaves. */
@SoftDeletable()
@ActiveUnique({ properties: ['card'] })
@Entity({ discriminatorColumn: 'kind', abstract: true })
abstract class Reader extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  kind!: string;

  @Property({ type: 'string' })
  card!: string;
}

@Entity({ abstract: true })
abstract class Guest extends Reader {
  @Property({ type: 'string' })
  sponsor!: string;
}

@Entity({ discriminatorValue: 'day' })
class DayGuest extends Guest {
  @ActiveUnique()
  @Property({ type: 'string' })
  pass!: string;
}

@Entity({ discriminatorValue: 'member' })
class Member extends Reader {
  @ActiveIndex()
  @Property({ type: 'number' })
  fee!: number;

  @ManyToOne(() => Reader, { nullable: true, deleteRule: 'cascade' })
  guardian?: Rel<Reader> | null;
}

export const entities = [Catalogued, Book, Map, Named, Shelf, Branch, Reader, Guest, DayGuest, Member];
