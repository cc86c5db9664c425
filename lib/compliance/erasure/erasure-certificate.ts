/**
 * A row that is kept by law, or because another row must reference it.
 *
 * @publicApi
 */
export interface KeptRow {
  /** The primary key: a value, or an array in the order of declaration. */
  readonly key: unknown;
  readonly ground: string;
  /** When it may be erased; `null` if that is not known yet. */
  readonly until: Date | null;
}

/**
 * A row that a legal hold covers.
 *
 * @publicApi
 */
export interface HeldRow {
  readonly key: unknown;
  /** The hold's name. */
  readonly hold: string;
}

/**
 * What an erasure did to the rows of one entity, and what is left of them.
 *
 * @publicApi
 */
export interface ErasedEntity {
  /** The entity's name; in an inheritance hierarchy, the root's. */
  readonly entity: string;
  /** How many rows were removed. */
  readonly deleted: number;
  /** How many rows were overwritten. */
  readonly overwritten: number;
  /** The properties that were overwritten. */
  readonly fields: readonly string[];
  readonly kept: readonly KeptRow[];
  readonly held: readonly HeldRow[];
}

/**
 * What an erasure would do.
 *
 * @publicApi
 */
export interface ErasurePlan {
  /** Who it is, and in which schema if each tenant has its own erasures. */
  readonly subject: { readonly entity: string; readonly key: unknown; readonly schema?: string };
  /** `'partial'` if rows are kept or held, or old values would be left somewhere. */
  readonly outcome: 'completed' | 'partial';
  readonly entities: readonly ErasedEntity[];
  /** How many columns of rows would still show values of the person. */
  readonly residue: number;
}

/**
 * What an erasure did, over all of its runs.
 *
 * @publicApi
 */
export interface ErasureCertificate extends ErasurePlan {
  readonly id: number;
  readonly requestedAt: Date;
  readonly dueAt: Date;
  /** When it finished, by the database's clock; of a partial one, its last run. */
  readonly finishedAt: Date;
  readonly onTime: boolean;
}
