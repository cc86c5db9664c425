import { lives } from './neighbours.js';

/** What the model knows of the schema: written by hand from the contract, not read from the metadata. */
export type Kind =
  | 'folder'
  | 'doc'
  | 'review'
  | 'lease'
  | 'mark'
  | 'note'
  | 'entry'
  | 'shelf'
  | 'box'
  | 'item'
  | 'cover'
  | 'tag'
  | 'team'
  | 'member';

export const STATES = ['draft', 'live', 'signed'] as const;
export type State = (typeof STATES)[number];

/** What deleting the row that is pointed at does to the one that points. */
export type Policy = 'cascade' | 'restrict' | 'keep';

/** A relation as the row that is pointed at has it. */
export interface Inverse {
  readonly name: string;
  readonly policy: Policy;
  /** Of several relations over one key: the rows that are in this one. */
  readonly state?: State;
}

export interface RefSpec {
  readonly to: Kind;
  readonly nullable: boolean;
  readonly inverses: readonly Inverse[];
  readonly orphanRemoval?: boolean;
  readonly toOne?: boolean;
}

export interface KindSpec {
  readonly soft: boolean;
  readonly refs: Readonly<Record<string, RefSpec>>;
  readonly versioned?: boolean;
  readonly touched?: boolean;
  /** Whether it has the properties of `TYPED`. */
  readonly typed?: boolean;
  /** Whether entities get their keys from the test, of a type of its own. */
  readonly customKey?: boolean;
}

const ref = (to: Kind, nullable: boolean, policy: Policy, name: string, more: Partial<RefSpec> = {}): RefSpec => ({
  to,
  nullable,
  inverses: [{ name, policy }],
  ...more,
});

export const KINDS: Readonly<Record<Kind, KindSpec>> = {
  folder: { soft: true, touched: true, refs: { parent: ref('folder', true, 'cascade', 'children') } },
  doc: {
    soft: true,
    versioned: true,
    typed: true,
    customKey: true,
    refs: { folder: ref('folder', false, 'cascade', 'docs', { orphanRemoval: true }) },
  },
  review: {
    soft: true,
    touched: true,
    typed: true,
    refs: { doc: ref('doc', true, 'cascade', 'reviews', { orphanRemoval: true }) },
  },
  lease: { soft: true, refs: { doc: ref('doc', false, 'restrict', 'leases') } },
  mark: { soft: true, refs: { doc: ref('doc', true, 'keep', 'marks') } },
  note: { soft: false, refs: { doc: ref('doc', true, 'cascade', 'notes') } },
  entry: {
    soft: true,
    refs: {
      doc: {
        to: 'doc',
        nullable: false,
        inverses: [
          { name: 'drafts', policy: 'cascade', state: 'draft' },
          { name: 'published', policy: 'keep', state: 'live' },
          { name: 'signed', policy: 'restrict', state: 'signed' },
        ],
      },
    },
  },
  shelf: { soft: false, refs: {} },
  box: { soft: false, refs: { shelf: ref('shelf', false, 'cascade', 'boxes', { orphanRemoval: true }) } },
  item: { soft: true, refs: { box: ref('box', false, 'cascade', 'items') } },
  cover: { soft: true, refs: { doc: ref('doc', false, 'cascade', 'cover', { orphanRemoval: true, toOne: true }) } },
  tag: { soft: true, refs: {} },
  team: { soft: true, refs: { lead: ref('member', true, 'cascade', 'ledTeams') } },
  member: { soft: true, refs: { team: ref('team', true, 'cascade', 'members') } },
};

/** The kinds whose rows take soft-deletable rows along in the database: they are removed by a step of their own. */
export const PLAIN_PARENTS: readonly Kind[] = ['shelf', 'box'];

/** The kinds that are there, with what lives beside the package. */
export const ALL_KINDS = (Object.keys(KINDS) as Kind[]).filter(
  (kind) =>
    (kind !== 'entry' || lives('filtered-relations')) &&
    (![...PLAIN_PARENTS, 'item'].includes(kind) || lives('plain-parents')),
);
export const SOFT_KINDS = ALL_KINDS.filter((kind) => KINDS[kind].soft);

/** Every to-many relation, with the kind and the property that hold its key. */
export const COLLECTIONS = ALL_KINDS.flatMap((child) =>
  Object.entries(KINDS[child].refs)
    .filter(([, spec]) => !spec.toOne)
    .flatMap(([property, spec]) =>
      spec.inverses.map((inverse) => ({ child, property, spec, parent: spec.to, ...inverse })),
    ),
);

export type CollectionSpec = (typeof COLLECTIONS)[number];

/** The relation that a row is in, on the other side of a key. */
export function inverseOf(row: { readonly state?: State }, spec: RefSpec): Inverse {
  return spec.inverses.find(({ state }) => state === undefined || state === row.state)!;
}
