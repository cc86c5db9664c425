import { helper } from '@mikro-orm/core';
import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { softDeletable, softDelete } from 'nestjs-mikro-orm-soft-delete';
import {
  asksForInverse,
  deletedInverses,
  holdsDeletedInverse,
  inverseOwners,
  inverseReferences,
  isLoaded,
  placeInverseReferences,
} from '../../../lib/orm/loading/inverse-references.js';
import { SoftDeleteCatalog } from '../../../lib/metadata/soft-delete-catalog.js';

const deletedAt = () => p.datetime().columnType('timestamptz').nullable();
const Note = defineEntity({
  name: 'Note',
  properties: { id: p.integer().primary(), user: () => p.oneToOne(User).owner().inversedBy('note') },
});
const User = softDeletable(
  defineEntity({
    name: 'User',
    properties: {
      id: p.integer().primary(),
      name: p.string().nullable(),
      profile: () => p.oneToOne(Profile).mappedBy('user').nullable(),
      note: () => p.oneToOne(Note).mappedBy('user').nullable(),
      mentor: () => p.manyToOne(User).nullable(),
      deletedAt: deletedAt(),
    },
  }),
);
const Profile = softDeletable(
  defineEntity({
    name: 'Profile',
    properties: {
      id: p.integer().primary(),
      text: p.string().nullable(),
      notes: p.string().lazy().nullable(),
      user: () => p.oneToOne(User).owner().inversedBy('profile').nullable(),
      reviewer: () => p.oneToOne(User).owner().nullable(),
      deletedAt: deletedAt(),
    },
  }),
);

const [EARLY, LATE] = [new Date('2026-01-01'), new Date('2026-01-02')];

describe('the other side of a one-to-one relation in memory', () => {
  const orm = new MikroORM({ dbName: 'none', entities: [Note, User, Profile], extensions: [softDelete()] });
  const catalog = SoftDeleteCatalog.of(orm.em as never);
  const metaOf = (name: string) => [...orm.getMetadata()].find(({ className }) => className === name)!;
  const prop = (metaOf('User').properties as any).profile;

  function start() {
    const em = orm.em.fork();
    const load = (entity: unknown, data: object): any =>
      em.merge(entity as never, { deletedAt: null, ...data } as never);
    const user = load(User, { id: 1, name: 'Ada', mentor: null, profile: undefined });
    const profile = (id: number, deleted: Date | null = null, more: object = {}) =>
      load(Profile, { id, text: 'x', user: 1, reviewer: null, deletedAt: deleted, ...more });
    return { em, load, user, profile };
  }

  it('knows which relations have another side that is deleted softly, and which rows hold the key', () => {
    expect(inverseReferences(metaOf('User'), catalog).map(({ name }) => name)).toEqual(['profile']);
    expect(inverseReferences(metaOf('Profile'), catalog)).toEqual([]);
    expect(inverseOwners(metaOf('Profile'), catalog).map(({ name }) => name)).toEqual(['user']);
    expect(inverseOwners(metaOf('Note'), catalog)).toEqual([]);
    expect(inverseOwners(metaOf('User'), catalog)).toEqual([]);
  });

  it.each<[string, (Date | null)[], number]>([
    ['an active row, read first', [null, EARLY], 0],
    ['an active row, read last', [EARLY, null], 1],
    ['the row that was deleted last, read first', [LATE, EARLY], 0],
    ['the row that was deleted last, read last', [EARLY, LATE], 1],
    ['an active row among many', [EARLY, null, LATE], 1],
  ])('is %s, and each row keeps its key', (_, times, shown) => {
    const { user, profile } = start();
    const profiles = times.map((time, i) => profile(10 + i, time));
    expect(user.profile).toBe(profiles[shown]);
    expect(profiles.map((each) => each.user)).toEqual(profiles.map(() => user));
  });

  it('is replaced by a row that is created, as in the ORM', () => {
    const { em, user, profile } = start();
    const old = profile(10);
    const created: any = em.create(Profile, { id: 11, user } as never, { persist: false });
    expect(user.profile).toBe(created);
    expect(old.user ?? null).toBeNull();
  });

  it('is taken by a row that is created from one that is deleted, which keeps its key', () => {
    const { em, user, profile } = start();
    const old = profile(10, EARLY);
    const created: any = em.create(Profile, { id: 11, user } as never, { persist: false });
    expect(user.profile).toBe(created);
    expect(old.user).toBe(user);
  });

  it('is what a row says that was joined with it', () => {
    const { load, user, profile } = start();
    const old = profile(10, LATE);
    load(Profile, {
      id: 11,
      deletedAt: EARLY,
      user: { id: 1, name: 'Ada', deletedAt: null, profile: { id: 12, user: 1, deletedAt: null } },
    });
    expect(user.profile).toMatchObject({ id: 12 });
    expect(old.user).toBe(user);
  });

  it('is what a row of its own side says when it is read again', () => {
    const { em, user, profile } = start();
    const [old, next] = [profile(10), profile(11, EARLY)];
    const again = (data: object) => em.merge(User as never, data as never, { refresh: true });
    again({ id: 1, name: 'Ada', profile: 11 });
    expect(user.profile).toBe(next);
    expect(old.user).toBe(user);
    again({ id: 1, name: 'Ada' });
    expect(user.profile).toBe(next);
    again({ id: 1, name: 'Ada', profile: null });
    expect(user.profile).toBeNull();
    expect(next.user).toBe(user);
  });

  it('tells of deleted rows there', () => {
    const { user, profile } = start();
    expect(holdsDeletedInverse(user, metaOf('User'), catalog)).toBe(false);
    const first = profile(10);
    expect(deletedInverses(user, metaOf('User'), catalog)).toEqual([]);
    first.deletedAt = EARLY;
    expect(deletedInverses(user, metaOf('User'), catalog).map(({ name }) => name)).toEqual(['profile']);
    expect(holdsDeletedInverse(user, metaOf('User'), catalog)).toBe(true);
  });

  it('tells of no row there that was never saved', () => {
    const { em, user } = start();
    em.create(Profile, { id: 11, user, deletedAt: EARLY } as never, { persist: false });
    expect(holdsDeletedInverse(user, metaOf('User'), catalog)).toBe(false);
  });

  describe('is asked for', () => {
    it('under a wider scope where memory knows of nobody, unless the owner was read together with it', () => {
      const { load, profile } = start();
      const user = load(User, { id: 2, name: 'Bob', profile: null });
      expect(asksForInverse(user, prop, {}, 'with', catalog)).toBe(true);
      expect(asksForInverse(user, prop, { lookup: true }, 'only', catalog)).toBe(true);
      expect(asksForInverse(user, prop, { lookup: false }, 'with', catalog)).toBe(false);
      profile(10, null, { user: 2 });
      expect(asksForInverse(user, prop, {}, 'with', catalog)).toBe(false);
    });

    it('under the scope of active rows where a deleted one is there, which leaves', () => {
      const { user, profile } = start();
      const deleted = profile(10, EARLY);
      expect(asksForInverse(user, prop, {}, 'active', catalog)).toBe(true);
      expect(user.profile).toBeNull();
      expect(deleted.user).toBe(user);
    });

    it('not where an active one is there, unless everything is read again', () => {
      const { user, profile } = start();
      const active = profile(10);
      expect(asksForInverse(user, prop, {}, 'active', catalog)).toBe(false);
      expect(user.profile).toBe(active);
      expect(asksForInverse(user, prop, { refresh: true }, 'active', catalog)).toBe(true);
    });

    it('where only the key of the other side is known', () => {
      const { load } = start();
      const user = load(User, { id: 2, name: 'Bob', profile: 20 });
      expect(asksForInverse(user, prop, {}, 'active', catalog)).toBe(true);
    });

    it('not where nobody is there', () => {
      const { load } = start();
      const user = load(User, { id: 2, name: 'Bob', profile: null });
      expect(asksForInverse(user, prop, {}, 'active', catalog)).toBe(false);
    });
  });

  it('is taken by rows that have been in memory all along, if they have more right to it', () => {
    const { user, profile } = start();
    const [early, late, active] = [profile(10, EARLY), profile(11, LATE), profile(12)];
    const place = (...items: object[]) => {
      placeInverseReferences(items, prop, catalog);
      return user.profile;
    };
    helper(user).__data.profile = null;
    expect(place(early)).toBe(early);
    expect(place(late)).toBe(late);
    expect(place(early)).toBe(late);
    expect(place(active)).toBe(active);
    expect(place(late)).toBe(active);
    const homeless = profile(13, null, { user: null });
    expect(place(homeless)).toBe(active);
  });

  it('stays one that was never saved, deleted or not, whatever is read', () => {
    const { em, user, profile } = start();
    const rows = [profile(10, LATE), profile(11)];
    helper(user).__data.profile = null;
    const unsaved: any = em.create(Profile, { id: 12, user, deletedAt: EARLY } as never, { persist: false });
    placeInverseReferences(rows, prop, catalog);
    expect(user.profile).toBe(unsaved);
  });

  it('is loaded once all of its columns are that are not lazy', () => {
    const { load, user, profile } = start();
    expect(isLoaded(user, prop, catalog)).toBe(false);
    profile(10);
    expect(isLoaded(user, prop, catalog)).toBe(true);
    const other = load(User, { id: 2, name: 'Bob', profile: 20 });
    expect(isLoaded(other, prop, catalog)).toBe(false);
    load(Profile, { id: 20, user: 2 });
    expect(isLoaded(other, prop, catalog)).toBe(false);
  });
});
