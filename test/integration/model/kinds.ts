/** What the model knows of the schema: written by hand from the contract, not read from the metadata. */
export type Kind = 'folder' | 'doc' | 'review' | 'lease' | 'mark' | 'note' | 'cover' | 'tag' | 'team' | 'member';

export interface RefSpec {
  readonly to: Kind;
  readonly nullable: boolean;
  /** What deleting the row that is pointed at does to the one that points. */
  readonly policy: 'cascade' | 'restrict' | 'keep';
  /** The property on the other side. */
  readonly inverse: string;
  readonly orphanRemoval?: boolean;
  readonly toOne?: boolean;
}

export interface KindSpec {
  readonly soft: boolean;
  readonly refs: Readonly<Record<string, RefSpec>>;
  readonly versioned?: boolean;
  readonly touched?: boolean;
}

export const KINDS: Readonly<Record<Kind, KindSpec>> = {
  folder: {
    soft: true,
    touched: true,
    refs: { parent: { to: 'folder', nullable: true, policy: 'cascade', inverse: 'children' } },
  },
  doc: {
    soft: true,
    versioned: true,
    refs: { folder: { to: 'folder', nullable: false, policy: 'cascade', inverse: 'docs', orphanRemoval: true } },
  },
  review: {
    soft: true,
    touched: true,
    refs: { doc: { to: 'doc', nullable: true, policy: 'cascade', inverse: 'reviews', orphanRemoval: true } },
  },
  lease: { soft: true, refs: { doc: { to: 'doc', nullable: false, policy: 'restrict', inverse: 'leases' } } },
  mark: { soft: true, refs: { doc: { to: 'doc', nullable: true, policy: 'keep', inverse: 'marks' } } },
  note: { soft: false, refs: { doc: { to: 'doc', nullable: true, policy: 'cascade', inverse: 'notes' } } },
  cover: {
    soft: true,
    refs: {
      doc: { to: 'doc', nullable: false, policy: 'cascade', inverse: 'cover', orphanRemoval: true, toOne: true },
    },
  },
  tag: { soft: true, refs: {} },
  team: { soft: true, refs: { lead: { to: 'member', nullable: true, policy: 'cascade', inverse: 'ledTeams' } } },
  member: { soft: true, refs: { team: { to: 'team', nullable: true, policy: 'cascade', inverse: 'members' } } },
};

export const ALL_KINDS = Object.keys(KINDS) as Kind[];
export const SOFT_KINDS = ALL_KINDS.filter((kind) => KINDS[kind].soft);

/** Every to-many relation, with the kind and the property that hold its key. */
export const COLLECTIONS = ALL_KINDS.flatMap((child) =>
  Object.entries(KINDS[child].refs)
    .filter(([, spec]) => !spec.toOne)
    .map(([property, spec]) => ({ child, property, spec, parent: spec.to, name: spec.inverse })),
);
