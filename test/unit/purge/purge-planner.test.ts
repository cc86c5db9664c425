import type { KeyCompanion, KeyReference, PurgeEntity, PurgeTable } from '../../../lib/purge/plan/key-graph.js';
import { planPurge } from '../../../lib/purge/plan/purge-planner.js';
import { entity, table } from './key-graph.js';

const key = (from: PurgeTable, to: PurgeTable, more: Partial<KeyReference> = {}): KeyReference => ({
  constraint: `${from.label}_${to.label}_fkey`,
  from,
  fromColumns: [`${to.label}_id`],
  to,
  toColumns: ['id'],
  action: 'no action',
  isIndexed: true,
  isEnforced: true,
  conditions: [],
  parts: [],
  isInheritance: false,
  ...more,
});

describe(planPurge.name, () => {
  const [user, post, note, log] = ['user', 'post', 'note', 'log'].map(table) as [
    PurgeTable,
    PurgeTable,
    PurgeTable,
    PurgeTable,
  ];
  const [User, Post, Note] = [entity('User', user), entity('Post', post), entity('Note', note)];
  const plan = (entities: PurgeEntity[], references: KeyReference[]) =>
    planPurge({ entities, references, companions: [] }).groups.map((group) => group.map((each) => each));
  const namesOf = (groups: ReturnType<typeof plan>) => groups.map((group) => group.map((each) => each.entity.name));

  it('puts children before parents, and entities that reference each other into one group', () => {
    expect(namesOf(plan([User, Post, Note], [key(post, user), key(note, post)]))).toEqual([
      ['Note'],
      ['Post'],
      ['User'],
    ]);
    const circle = namesOf(plan([User, Post, Note], [key(post, user), key(user, post), key(note, user)]));
    expect(circle.map((group) => group.toSorted())).toEqual([['Note'], ['Post', 'User']]);
  });

  it('lets soft-deletable rows block whatever their key says, and watches those that the database would touch', () => {
    for (const action of ['cascade', 'set null', 'restrict'] as const) {
      const [[, planned]] = [plan([Post, User], [key(post, user, { action })]).flat()];
      expect(planned!.blockers.map(({ source, isEnforced }) => [source?.name, isEnforced])).toEqual([['Post', true]]);
      expect(planned!.endangered.map(({ label }) => label)).toEqual(action === 'restrict' ? [] : ['post']);
    }
  });

  it('tells plain rows that go along from those that block', () => {
    const kinds: [Partial<KeyReference>, blocks: number, explicit: number][] = [
      [{ action: 'no action' }, 1, 0],
      [{ action: 'none' }, 1, 0],
      [{ action: 'cascade' }, 0, 0],
      [{ action: 'set null' }, 0, 0],
      [{ action: 'restrict', parts: [[]] }, 0, 1],
      [{ action: 'restrict', parts: [[{ column: 'kind', values: ['a'] }]] }, 1, 1],
    ];
    for (const [reference, blocks, explicit] of kinds) {
      const [planned] = plan([User], [key(log, user, reference)]).flat();
      expect([reference, planned!.blockers.length, planned!.parts.length]).toEqual([reference, blocks, explicit]);
    }
  });

  it('looks behind parts, and does not trust the database with what it does not enforce', () => {
    const [, planned] = plan(
      [Note, User],
      [key(log, user, { action: 'cascade' }), key(note, log, { action: 'set null' })],
    ).flat();
    expect(planned!.blockers.map(({ hops }) => hops.map(({ reference }) => reference.from.label))).toEqual([
      ['log', 'note'],
    ]);
    expect(planned!.endangeredBehindParts).toEqual([note]);

    const [, unenforced] = plan([Post, User], [key(post, user, { action: 'none', isEnforced: false })]).flat();
    expect(unenforced!.blockers.map(({ isEnforced }) => isEnforced)).toEqual([false]);
  });

  it('follows plain rows that go along as far as the first table that it has been in', () => {
    const [planned] = plan(
      [User],
      [
        key(log, user, { action: 'cascade' }),
        key(note, log, { action: 'cascade' }),
        key(log, note, { action: 'cascade' }),
      ],
    ).flat();
    expect(planned!.blockers.map(({ hops }) => hops.map(({ reference }) => reference.constraint))).toEqual([
      ['log_user_fkey', 'note_log_fkey', 'log_note_fkey'],
    ]);
  });

  it('lets rows of a table stay that another row of it takes along, where a part of it does not', () => {
    const own = key(log, log, { action: 'no action', parts: [[{ column: 'kind', values: ['a'] }]] });
    const [planned] = plan([User], [key(log, user, { action: 'cascade' }), own]).flat();
    expect(planned!.attached).toHaveLength(1);
    expect(planned!.attached[0]!.hops.map(({ within }) => within)).toEqual([[own]]);
    expect(planned!.blockers.map(({ hops }) => hops.map(({ exceptSiblings }) => exceptSiblings))).toEqual([
      [false, true],
    ]);
    const cascading = key(log, log, { action: 'cascade' });
    expect(plan([User], [key(log, user, { action: 'cascade' }), cascading]).flat()[0]!.blockers).toEqual([]);
  });

  it('names keys without an index', () => {
    const [planned] = plan([User], [key(log, user, { isIndexed: false })]).flat();
    expect(planned!.unindexed.map(({ constraint }) => constraint)).toEqual(['log_user_fkey']);
  });

  it('takes several statements for a batch where the counters of tables do not tell all, and where rows go explicitly', () => {
    const isComposed = (references: KeyReference[], companions: KeyCompanion[] = []) =>
      planPurge({ entities: [User, Post], references, companions })
        .groups.flat()
        .find(({ entity: { name } }) => name === 'User')!.isComposed;
    const partitioned = { ...post, isPartitioned: true };
    const Parted = { ...Post, table: partitioned, tables: [partitioned] };
    const opaque = planPurge({
      entities: [User, Parted],
      references: [key(partitioned, user, { action: 'cascade' })],
      companions: [],
    });
    expect(opaque.groups.flat().map((each) => [each.entity.name, each.isComposed])).toEqual([
      ['Post', false],
      ['User', true],
    ]);
    expect(isComposed([key(post, user, { action: 'cascade' })])).toBe(false);
    expect(isComposed([key(note, user, { action: 'cascade' })])).toBe(false);
    expect(isComposed([key(note, user, { parts: [[]] })])).toBe(true);
    const companion = { relation: 'User.note', table: note, holder: user, owner: user } as unknown as KeyCompanion;
    expect(isComposed([], [companion])).toBe(true);
  });

  /** What the plan of one entity says, by the tables that its paths lead through. */
  const described = (
    target: PurgeEntity,
    references: KeyReference[],
    more: { entities?: PurgeEntity[]; foreign?: PurgeTable[] } = {},
  ) => {
    const { entities = [], foreign = [] } = more;
    const found = planPurge({ entities: [target, ...entities], references, companions: [], foreign })
      .groups.flat()
      .find((each) => each.entity === target)!;
    const paths = (all: typeof found.blockers) =>
      all.map(({ hops }) => hops.map(({ reference }) => reference.from.label).join('<'));
    return {
      blockers: paths(found.blockers),
      enforced: found.blockers.map(({ isEnforced }) => isEnforced),
      attached: paths(found.attached),
      parts: paths(found.parts),
      endangered: found.endangered.map(({ label }) => label),
      behindParts: found.endangeredBehindParts.map(({ label }) => label),
      self: found.selfReferences.map(({ constraint }) => constraint),
      isComposed: found.isComposed,
    };
  };
  const nothing = {
    blockers: [],
    enforced: [],
    attached: [],
    parts: [],
    endangered: [],
    behindParts: [],
    self: [],
    isComposed: false,
  };

  it('puts a circle of three into one group', () => {
    const groups = namesOf(plan([User, Post, Note], [key(post, user), key(note, post), key(user, note)]));
    expect(groups.map((group) => group.toSorted())).toEqual([['Note', 'Post', 'User']]);
  });

  it('knows the keys of an entity to itself: direct ones from the table with the time of deletion', () => {
    const Both = entity('Post', post, { tables: [post, note] });
    expect(described(Both, [key(post, post)])).toMatchObject({ blockers: ['post'], self: ['post_post_fkey'] });
    expect(described(Both, [key(note, post)])).toMatchObject({ blockers: ['note'], self: [], isComposed: false });
    expect(described(Both, [key(log, post, { action: 'cascade' }), key(post, log)])).toMatchObject({
      blockers: ['log<post'],
      self: [],
    });
    expect(described(User, [key(post, user)], { entities: [Post] })).toMatchObject({ blockers: ['post'], self: [] });
  });

  it('takes several statements where the database would change rows of another table of the same entity', () => {
    const Both = entity('Post', post, { tables: [post, note] });
    expect(described(Both, [key(note, post, { action: 'set null' })])).toMatchObject({
      endangered: ['note'],
      isComposed: true,
    });
    expect(described(Both, [key(post, post, { action: 'set null' })])).toMatchObject({
      endangered: ['post'],
      isComposed: false,
    });
  });

  it.each<[Partial<KeyReference>, string[]]>([
    [{ action: 'cascade' }, []],
    [{ action: 'no action' }, ['note']],
    [{ action: 'cascade', isOff: true }, ['note']],
  ])('removes the rows of one row of a hierarchy together, by its own statement where %j', (reference, parts) => {
    const Both = entity('Post', post, { tables: [post, note] });
    expect(described(Both, [key(note, post, { isInheritance: true, ...reference })])).toEqual({
      ...nothing,
      attached: ['note'],
      parts,
      isComposed: parts.length > 0,
    });
  });

  it('is blocked by rows of other tenants, of which nobody knows whether they are due', () => {
    expect(described(User, [key(log, user, { action: 'cascade' })], { foreign: [log] })).toEqual({
      ...nothing,
      blockers: ['log'],
      enforced: [false],
      endangered: ['log'],
      isComposed: false,
    });
  });

  it.each<[Partial<KeyReference>, Partial<ReturnType<typeof described>>]>([
    [{ action: 'set null' }, {}],
    [{ action: 'set default' }, {}],
    [
      { action: 'set null', isOff: true },
      { blockers: ['log'], enforced: [false] },
    ],
    [
      { action: 'set default', isOff: true },
      { blockers: ['log'], enforced: [false] },
    ],
    [{ action: 'no action' }, { blockers: ['log'], enforced: [true] }],
    [{ action: 'restrict' }, { blockers: ['log'], enforced: [true] }],
    [
      { action: 'restrict', isEnforced: false },
      { blockers: ['log'], enforced: [false] },
    ],
    [{ action: 'cascade' }, { attached: ['log'] }],
    [
      { action: 'cascade', isOff: true },
      { attached: ['log'], parts: ['log'], isComposed: true },
    ],
  ])('does with plain rows behind a key what the key says, if the database sees to it: %j', (reference, expected) => {
    expect(described(User, [key(log, user, reference)])).toEqual({ ...nothing, ...expected });
  });

  it('relies on the database for rows at a distance only where every key on the way is its own', () => {
    const behind = (first: Partial<KeyReference>) => described(User, [key(log, user, first), key(note, log)]).enforced;
    expect(behind({ action: 'cascade' })).toEqual([true]);
    expect(behind({ action: 'cascade', isEnforced: false })).toEqual([false]);
    expect(behind({ action: 'restrict', parts: [[]] })).toEqual([false]);
  });

  it('endangers marked rows that the database would change, and tells direct ones from those behind parts', () => {
    for (const action of ['cascade', 'set null', 'set default'] as const) {
      const direct = described(User, [key(post, user, { action })], { entities: [Post] });
      expect([direct.endangered, direct.behindParts]).toEqual([['post'], []]);
    }
    for (const action of ['no action', 'restrict', 'none'] as const) {
      expect(described(User, [key(post, user, { action })], { entities: [Post] }).endangered).toEqual([]);
    }
  });

  it('leaves the parts of a row out of what blocks it, and knows what goes along within a table', () => {
    const parts = [[{ column: 'kind', values: ['a'] }]];
    const own = key(log, log, { constraint: 'cascading', action: 'cascade' });
    const [planned] = plan(
      [User],
      [
        key(log, user, { action: 'restrict', parts }),
        own,
        key(log, log, { constraint: 'plain' }),
        key(note, log, { action: 'cascade' }),
      ],
    ).flat();
    expect(planned!.blockers[0]!.hops[0]).toMatchObject({ exceptSiblings: false });
    const direct = planned!.blockers.find(({ hops }) => hops.length === 1)!;
    expect(direct.hops[0]!.except).toEqual(parts);
    expect(planned!.parts[0]!.hops[0]!.within).toEqual([own]);
  });

  it('asks before it removes a companion who else needs it, the rows that hold on to it among these', () => {
    const link = table('link');
    const companion = { relation: 'User.logs', table: log, holder: link, owner: user } as unknown as KeyCompanion;
    const elsewhere = { ...companion, owner: post };
    const references = [key(link, log, { action: 'cascade' }), key(note, log), key(log, log, { action: 'no action' })];
    const [planned] = planPurge({ entities: [User], references, companions: [companion, elsewhere] }).groups.flat();
    expect(planned!.companions.map(({ companion: found }) => found)).toEqual([companion]);
    const inner = planned!.companions[0]!.plan;
    expect(inner.blockers.map(({ hops }) => hops.map(({ reference }) => reference.from.label))).toEqual([
      ['link'],
      ['note'],
      ['log'],
    ]);
    expect(inner.blockers.at(-1)!.hops[0]!.exceptSiblings).toBe(false);
    expect(inner.parts).toEqual([]);
  });
});
