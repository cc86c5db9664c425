import {
  Embeddable,
  Embedded,
  Entity,
  Formula,
  ManyToOne,
  OneToMany,
  OneToOne,
  PrimaryKey,
  Property,
} from '@mikro-orm/decorators/legacy';
import { Collection, MikroORM, PostgreSqlDriver, raw, type Rel } from '@mikro-orm/postgresql';
import { plainEqualities } from '../../../lib/repository/plain-equalities.js';

@Embeddable()
class Place {
  @Property({ type: 'string' })
  city!: string;

  @Property({ type: 'string' })
  street!: string;
}

@Entity()
class Shelf {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'string' })
  label!: string;

  @Property({ type: 'integer' })
  level!: number;

  @Property({ type: 'json' })
  notes!: object;

  @Property({ type: 'string', persist: false })
  color!: string;

  @Formula('upper(label)', { type: 'string' })
  shout!: string;

  @Embedded(() => Place)
  place!: Place;

  @ManyToOne(() => Shelf)
  above!: Rel<Shelf>;

  @OneToMany(() => Shelf, (shelf) => shelf.above)
  below = new Collection<Shelf>(this);

  @OneToOne(() => Shelf, (shelf) => shelf.copy, { owner: true })
  original!: Rel<Shelf>;

  @OneToOne(() => Shelf, (shelf) => shelf.original)
  copy!: Rel<Shelf>;
}

describe(plainEqualities.name, () => {
  const orm = new MikroORM({ driver: PostgreSqlDriver, dbName: 'none', entities: [Shelf, Place] });
  const meta = orm.getMetadata().get(Shelf);

  it.each<[string, object, object]>([
    ['nothing', {}, {}],
    ['values', { label: 'a', level: null }, { label: 'a', level: null }],
    ['an operator of equality', { label: { $eq: 'a' } }, { label: 'a' }],
    ['a conjunction', { label: 'a', $and: [{ level: 1 }, { $and: [{ id: 2 }] }] }, { label: 'a', level: 1, id: 2 }],
    ['keys of relations', { above: 1, original: 2 }, { above: 1, original: 2 }],
    ['a key as an object', { above: { id: 1 } }, { above: 1 }],
    ['an embedded object', { place: { city: 'a', street: { $eq: 'b' } } }, { place: { city: 'a', street: 'b' } }],
  ])('is all that is said by %s', (_, where, values) => {
    expect(plainEqualities(meta, where)).toEqual({ values, isAll: true });
  });

  it.each<[string, object]>([
    ['a property that is not saved', { color: 'red' }],
    ['a formula', { shout: 'A' }],
    ['a list', { label: ['a', 'b'] }],
    ['a pattern', { label: /a/ }],
    ['a fragment of SQL', { label: raw('upper(?)', ['a']) }],
    ['another operator', { label: { $ne: 'a' } }],
    ['equality and another operator', { label: { $eq: 'a', $ne: 'b' } }],
    ['an object', { notes: { a: 1 } }],
    ['an embedded object that is absent', { place: null }],
    ['a key that is none', { above: { id: null } }],
    ['a further condition beside a key', { above: { id: 1, level: 2 } }],
    ['a condition on the row in front', { above: { label: 'a' } }],
    ['members', { below: 1 }],
    ['the row that holds the key', { copy: 1 }],
    ['a disjunction', { $or: [{ label: 'a' }] }],
    ['a property that is unknown', { other: 1 }],
  ])('leaves out %s, and says so', (_, where) => {
    expect(plainEqualities(meta, { level: 1, ...where })).toEqual({ values: { level: 1 }, isAll: false });
    expect(plainEqualities(meta, { $and: [{ level: 1 }, where] })).toEqual({ values: { level: 1 }, isAll: false });
    expect(plainEqualities(meta, { $and: [where, { level: 1 }] })).toEqual({ values: { level: 1 }, isAll: false });
    expect(plainEqualities(meta, { ...where, $and: [{ level: 1 }] })).toEqual({ values: { level: 1 }, isAll: false });
  });

  it('says so of an embedded object, too', () => {
    expect(plainEqualities(meta, { place: { city: 'a', street: { $ne: 'b' } } })).toEqual({
      values: { place: { city: 'a' } },
      isAll: false,
    });
  });

  it('is not all where a conjunction compares one property twice', () => {
    expect(plainEqualities(meta, { label: 'a', $and: [{ label: 'b' }] }).isAll).toBe(false);
    expect(plainEqualities(meta, { $and: [{ label: 'a' }, { label: 'b' }] }).isAll).toBe(false);
  });

  it('knows nothing of a fragment of SQL in place of a condition', () => {
    expect(plainEqualities(meta, raw('level = 1') as object)).toEqual({ values: {}, isAll: false });
  });
});
