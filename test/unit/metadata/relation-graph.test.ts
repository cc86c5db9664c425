import { Cascade, Collection, type EntityMetadata, type Rel } from '@mikro-orm/core';
import { Entity, ManyToMany, ManyToOne, OneToMany, OneToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { MikroORM } from '@mikro-orm/postgresql';
import { SoftDeletable, SoftDeletableEntity, softDelete } from 'nestjs-mikro-orm-soft-delete';
import type { GraphRelation, Membership, RowCondition } from '../../../lib/metadata/relations/graph-relation.js';
import { isInheritance, relationOver } from '../../../lib/metadata/relations/key-relations.js';
import { RelationGraph } from '../../../lib/metadata/relations/relation-graph.js';
import { SoftDeleteCatalog } from '../../../lib/metadata/soft-delete-catalog.js';

abstract class Row extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

@SoftDeletable<Author>({ relations: { drafts: 'keep', reviews: 'restrict' } })
@Entity()
class Author extends Row {
  @OneToMany(() => Book, (book) => book.author, { cascade: [Cascade.REMOVE] })
  books = new Collection<Book>(this);

  @OneToMany(() => Book, (book) => book.author, { where: { isDraft: true } })
  drafts = new Collection<Book>(this);

  @OneToMany(() => Book, (book) => book.author, { where: {} })
  anyBooks = new Collection<Book>(this);

  @OneToMany(() => Book, (book) => book.author, { where: { id: 1 } })
  first = new Collection<Book>(this);

  @OneToMany(() => Review, (review) => review.author)
  reviews = new Collection<Review>(this);

  @OneToOne(() => Profile, (profile) => profile.author)
  profile?: Rel<Profile>;

  @OneToMany({ entity: () => Comment, mappedBy: 'on', orphanRemoval: true })
  comments = new Collection<Comment>(this);
}

@SoftDeletable()
@Entity()
class Book extends Row {
  @ManyToOne(() => Author)
  author!: Rel<Author>;

  @ManyToOne(() => Author, { nullable: true, deleteRule: 'CASCADE' })
  editor?: Rel<Author>;

  @ManyToOne(() => Author, { nullable: true, deleteRule: 'cascade', createForeignKeyConstraint: false })
  fan?: Rel<Author>;

  @ManyToOne(() => Author, { nullable: true, persist: false })
  ghost?: Rel<Author>;

  @Property({ type: 'boolean' })
  isDraft!: boolean;

  @ManyToMany(() => Tag, undefined, { owner: true, cascade: [Cascade.ALL], pivotTable: 'book_tag' })
  tags = new Collection<Tag>(this);
}

@SoftDeletable()
@Entity()
class Tag extends Row {
  @ManyToMany(() => Book, (book) => book.tags)
  books = new Collection<Book>(this);
}

@SoftDeletable()
@Entity()
class Review extends Row {
  @ManyToOne(() => Author, { fieldName: 'written_by' })
  author!: Rel<Author>;
}

@SoftDeletable()
@Entity()
class Profile extends Row {
  @OneToOne(() => Author, (author) => author.profile, { owner: true, deleteRule: 'cascade', cascade: [Cascade.REMOVE] })
  author!: Rel<Author>;
}

@SoftDeletable()
@Entity()
class Comment extends Row {
  @ManyToOne({ entity: () => [Author, Book] })
  on!: Rel<Author | Book>;
}

/** One table. */
@SoftDeletable<Van>({ relations: { parcels: 'keep' } })
@Entity({ discriminatorColumn: 'kind', discriminatorMap: { car: 'Car', van: 'Van', bigVan: 'BigVan' } })
class Car extends Row {
  @Property({ type: 'string' })
  kind!: string;

  @OneToMany(() => Trip, (trip) => trip.car, { cascade: [Cascade.REMOVE] })
  trips = new Collection<Trip>(this);
}
@Entity()
class Van extends Car {
  @OneToMany(() => Trip, (trip) => trip.car)
  parcels = new Collection<Trip>(this);
}
@Entity()
class BigVan extends Van {
  @ManyToOne(() => Author, { nullable: true })
  driver?: Rel<Author>;
}
@SoftDeletable()
@Entity()
class Trip extends Row {
  @ManyToOne(() => Car)
  car!: Rel<Car>;
}

/** A table per class. */
@SoftDeletable()
@Entity({ inheritance: 'tpt' })
class Place extends Row {
  @ManyToOne(() => Author, { nullable: true })
  owner?: Rel<Author>;
}
@Entity()
class Room extends Place {
  @OneToMany(() => Chair, (chair) => chair.room, { cascade: [Cascade.REMOVE] })
  chairs = new Collection<Chair>(this);
}
@SoftDeletable()
@Entity()
class Chair extends Row {
  @ManyToOne(() => Room)
  room!: Rel<Room>;
}

const ENTITIES = [Author, Book, Tag, Review, Profile, Comment, Car, Van, BigVan, Trip, Place, Room, Chair];

function condition(row: RowCondition): string {
  if ('column' in row) {
    return `${row.column} in ${row.values.join('|')}`;
  }
  return 'subtable' in row ? `is ${row.subtable.className}` : JSON.stringify(row.where);
}

function membership({ parent, child }: Membership): string {
  return [
    ...(parent.length > 0 ? [`from ${parent.map(condition).join(' and ')}`] : []),
    ...(child.length > 0 ? [`to ${child.map(condition).join(' and ')}`] : []),
  ].join(' ');
}

function link({ link: by, linkConditions }: GraphRelation): string {
  const conditions = linkConditions.length > 0 ? ` where ${linkConditions.map(condition).join(' and ')}` : '';
  if (by.kind === 'pivot') {
    const side = by.polymorphicSide ? `, polymorphic ${by.polymorphicSide}` : '';
    return `${by.table.tableName}(${[...by.parentColumns].join()} → ${by.parentReferenced.join()}, ${[...by.childColumns].join()} → ${by.childReferenced.join()}${side})${conditions}`;
  }
  const more =
    by.kind === 'child-key' ? `${by.nullable ? '?' : ''}${by.deleteRule ? ` ${by.deleteRule}` : ''}` : ' in front';
  return `${by.table.tableName}.${by.columns.join()} → ${by.referenced.join()}${more}${conditions}`;
}

const words = (edge: GraphRelation): string =>
  [
    `${edge.parent.className}${edge.property ? `.${edge.property}` : ''} → ${edge.child.className} ${edge.policy}`,
    link(edge),
    ...[membership(edge.members)].filter(Boolean),
    ...edge.except.map((other) => `except ${membership(other)}`),
  ].join('; ');

describe(RelationGraph, () => {
  const orm = new MikroORM({ dbName: 'none', entities: ENTITIES, extensions: [softDelete()] });
  const { graph } = SoftDeleteCatalog.of(orm.em as never);
  const metaOf = (name: string): EntityMetadata => [...orm.getMetadata()].find(({ className }) => className === name)!;
  const edgesOf = (name: string) => graph.from(metaOf(name)).map(words);

  it.each<[string, string[]]>([
    [
      'Author',
      [
        'Author → BigVan keep; car.driver_id → id? set null; to kind in bigVan',
        'Author → Book cascade; book.editor_id → id? cascade',
        'Author → Book cascade; book.fan_id → id? cascade',
        'Author → Place keep; place.owner_id → id? set null',
        'Author.books → Book cascade; book.author_id → id; except to {"isDraft":true}',
        'Author.comments → Comment cascade; comment.on_id → id where on_type in author',
        'Author.drafts → Book keep; book.author_id → id; to {"isDraft":true}',
        'Author.profile → Profile cascade; profile.author_id → id cascade',
        'Author.reviews → Review restrict; review.written_by → id',
      ],
    ],
    [
      'Book',
      [
        'Book → Comment keep; comment.on_id → id where on_type in book',
        'Book.tags → Tag cascade; book_tag(book_id → id, tag_id → id)',
      ],
    ],
    ['Tag', ['Tag.books → Book keep; book_tag(tag_id → id, book_id → id)']],
    ['Profile', ['Profile.author → Author cascade; profile.author_id → id in front']],
    [
      'Car',
      [
        'Car.trips → Trip cascade; trip.car_id → id; except from kind in van|bigVan',
        'Van.parcels → Trip keep; trip.car_id → id; from kind in van|bigVan',
      ],
    ],
    [
      'Place',
      [
        'Room → Chair keep; chair.room_id → id; except from is Room',
        'Room.chairs → Chair cascade; chair.room_id → id; from is Room',
      ],
    ],
    ['Trip', []],
  ])('knows the relations of %s', (name, edges) => {
    expect(edgesOf(name).toSorted()).toEqual(edges);
  });

  it('has one list for all classes of a hierarchy', () => {
    expect(edgesOf('Room')).toEqual(edgesOf('Place'));
    expect(edgesOf('BigVan')).toEqual(edgesOf('Car'));
  });

  it('takes the default rule of the schema generator for that of a key without its own, if it has a constraint', () => {
    const cascading = new RelationGraph(orm.getMetadata() as never, { findMarked: () => undefined }, 'CASCADE');
    expect(
      cascading
        .from(metaOf('Author'))
        .map(words)
        .filter((edge) => / (Book|Review|Place) /.test(edge))
        .toSorted(),
    ).toEqual([
      'Author → Book cascade; book.editor_id → id? cascade',
      'Author → Book cascade; book.fan_id → id? cascade',
      'Author → Place keep; place.owner_id → id? set null',
      'Author.books → Book cascade; book.author_id → id cascade',
      'Author.reviews → Review cascade; review.written_by → id cascade',
    ]);
  });

  it('finds the relation over a key of the database', () => {
    const over = (holder: string, columns: string[], target: string) =>
      relationOver(graph, metaOf(holder), columns, metaOf(target))?.name;
    expect(over('Review', ['written_by'], 'Author')).toBe('Author.reviews');
    expect(over('Car', ['driver_id'], 'Author')).toBe('BigVan.driver');
    expect(over('Van', ['driver_id'], 'Author')).toBe('BigVan.driver');
    expect(over('Review', ['author_id'], 'Author')).toBeUndefined();
    expect(over('Review', ['written_by', 'id'], 'Author')).toBeUndefined();
    expect(over('Review', [], 'Author')).toBeUndefined();
    expect(over('Review', ['written_by'], 'Book')).toBeUndefined();
    expect(over('Book', ['written_by'], 'Author')).toBeUndefined();
    expect(relationOver(graph, undefined, ['written_by'], metaOf('Author'))).toBeUndefined();
    expect(relationOver(graph, metaOf('Review'), ['written_by'], undefined)).toBeUndefined();
  });

  it('tells the keys that join the tables of one row from others', () => {
    const joins = (holder: string, columns: string[], target: string) =>
      isInheritance(metaOf(holder), columns, metaOf(target));
    expect(joins('Room', ['id'], 'Place')).toBe(true);
    expect(joins('Place', ['id'], 'Place')).toBe(false);
    expect(joins('Room', ['owner_id'], 'Place')).toBe(false);
    expect(joins('Room', ['id'], 'Author')).toBe(false);
    expect(joins('Van', ['id'], 'Car')).toBe(false);
  });
});
