import { randomUUID } from 'node:crypto';
import { Cascade, Collection, type Opt, type Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { SoftDeletable, SoftDeletableEntity } from 'nestjs-mikro-orm-soft-delete';
import { PrefixedId } from './prefixed-id.type.js';

@SoftDeletable({ retention: '30d' })
@Entity()
export class Document extends SoftDeletableEntity {
  @PrimaryKey({ type: new PrefixedId('doc') })
  id!: string;

  @Property({ type: 'text' })
  title!: string;

  /** To be removed by whoever flushes next. */
  @Property({ type: 'boolean', default: false })
  discarded: Opt<boolean> = false;

  @Property({ type: 'text', nullable: true })
  deletedBy?: string | null;

  @OneToMany(() => Comment, (comment) => comment.document, {
    cascade: [Cascade.PERSIST, Cascade.REMOVE],
    orphanRemoval: true,
  })
  comments = new Collection<Comment>(this);
}

@SoftDeletable({ retention: '30d' })
@Entity()
export class Comment extends SoftDeletableEntity {
  @PrimaryKey({ type: 'uuid' })
  id: Opt<string> = randomUUID();

  @Property({ type: 'text' })
  text!: string;

  @ManyToOne(() => Document)
  document!: Rel<Document>;

  @Property({ type: 'text', nullable: true })
  deletedBy?: string | null;
}

/** What a listener saw of one row in one flush. */
@Entity()
export class AuditEntry {
  @PrimaryKey({ type: 'uuid' })
  id: Opt<string> = randomUUID();

  @Property({ type: 'text' })
  listener!: string;

  @Property({ type: 'text' })
  action!: string;

  @Property({ type: 'text' })
  entity!: string;

  @Property({ type: 'text' })
  key!: string;

  @Property({ type: 'json' })
  fields!: string[];
}
