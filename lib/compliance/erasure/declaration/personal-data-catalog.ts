import type { EntityMetadata, MetadataStorage, Platform } from '@mikro-orm/core';
import { SoftDeleteConfigError } from '../../../errors/soft-delete-config.error.js';
import { hasTable } from '../../../metadata/has-table.js';
import type { GraphRelation } from '../../../metadata/relations/graph-relation.js';
import { type OrmModel, SoftDeleteCatalog } from '../../../metadata/soft-delete-catalog.js';
import { intervalOf } from '../../../options/interval.js';
import { describeFields, type FieldContext } from './describe-fields.js';
import { describePath } from './describe-path.js';
import { columnsOf, findProperty } from './find-properties.js';
import type { PersonalDataEntity, PersonalPath, ResolvedKeep } from './personal-data-entity.js';
import { ownPersonalDataMark, type PersonalDataMark } from './personal-data.mark.js';
import type { LegalKeep, PersonalDataOptions } from './personal-data-options.js';
import { owningTable } from '../../../metadata/relations/relation-graph.js';
import { textProperties } from './text-columns.js';

/** A mark with the entity that it speaks for: the marked class, or one that inherits from it and has a table. */
interface Declaration {
  readonly meta: EntityMetadata;
  readonly mark: PersonalDataMark;
}

const catalogs = new WeakMap<MetadataStorage, PersonalDataCatalog>();

/**
 * What the entities of one ORM say about personal data.
 *
 * @internal
 */
export class PersonalDataCatalog {
  readonly #entities: PersonalDataEntity[];
  readonly #none: readonly EntityMetadata[];

  private constructor(
    readonly metas: readonly EntityMetadata[],
    catalog: SoftDeleteCatalog,
    platform: Platform,
  ) {
    const declarations = metas.flatMap((meta) => declarationsOf(metas, meta));
    this.#none = declarations.filter(({ mark }) => mark.options === 'none').map(({ meta }) => meta);
    const subjects = declarations
      .filter(({ mark }) => mark.options !== 'none' && mark.options.subject)
      .map(({ meta }) => meta);
    refuseSecondSubjects(subjects);
    const isSubject = (meta: EntityMetadata) => subjects.some((subject) => isRelated(subject, meta));
    this.#entities = declarations
      .filter(({ mark }) => mark.options !== 'none')
      .map(({ meta, mark }) => describe({ meta, mark }, { catalog, platform, metas, declarations, isSubject }));
  }

  /**
   * The catalog of the ORM that the metadata belongs to, read once.
   *
   * @throws SoftDeleteConfigError if a declaration cannot work
   */
  static of(em: OrmModel & { getPlatform(): Platform }): PersonalDataCatalog {
    const storage = em.getMetadata();
    let catalog = catalogs.get(storage);
    if (!catalog) {
      const marked = SoftDeleteCatalog.of(em);
      refuseViews([...storage]);
      const metas = [...storage].filter((meta) => hasTable(meta) && !isLink(marked, meta));
      catalog = new PersonalDataCatalog(metas, marked, em.getPlatform());
      catalogs.set(storage, catalog);
    }
    return catalog;
  }

  all(): readonly PersonalDataEntity[] {
    return this.#entities;
  }

  /** The relations that lead to persons, each with what is nearer to the person as its parent. */
  relations(): GraphRelation[] {
    return this.#entities.flatMap(({ paths }) => paths.flatMap(({ edges }) => edges));
  }

  /** The declaration of the persons that an entity has rows of, if it has any. */
  findSubject(meta: EntityMetadata): PersonalDataEntity | undefined {
    return this.#entities.find((entity) => entity.isSubject && isRelated(entity.meta, meta));
  }

  /** The declarations that speak for the rows of a class: its own and those of the classes around it. */
  of(meta: EntityMetadata): PersonalDataEntity[] {
    return this.#entities.filter((entity) => isRelated(entity.meta, meta));
  }

  isWithout(meta: EntityMetadata): boolean {
    return this.#none.some((none) => none.class === meta.class || isBelow(meta, none));
  }
}

/** A pivot table is nothing but keys, unless its entity has columns for text, or says something about them. */
function isLink(catalog: SoftDeleteCatalog, meta: EntityMetadata): boolean {
  return meta.pivotTable === true && !ownPersonalDataMark(meta.class) && textProperties(catalog, meta).length === 0;
}

/** A base class without a table speaks for each entity that inherits from it. */
function declarationsOf(metas: readonly EntityMetadata[], meta: EntityMetadata): Declaration[] {
  const found: Declaration[] = [];
  for (let at: object = meta.class; typeof at === 'function'; at = Object.getPrototypeOf(at) as object) {
    const entity = metas.find((other) => other.class === at);
    const mark = ownPersonalDataMark(at);
    if (entity && entity !== meta) {
      break;
    }
    if (mark) {
      found.push({ meta, mark });
    }
  }
  return found;
}

interface DescriptionContext extends Omit<FieldContext, 'classes'> {
  readonly metas: readonly EntityMetadata[];
  readonly declarations: readonly Declaration[];
  isSubject(meta: EntityMetadata): boolean;
}

function describe(declaration: Declaration, context: DescriptionContext): PersonalDataEntity {
  const { meta, mark } = declaration;
  const { where } = mark;
  const own = mark.options as PersonalDataOptions;
  const { subject, of } = whoseRows(declaration, context);
  const classes = [meta, ...context.metas.filter((other) => isBelow(other, meta))];
  const fieldContext = { ...context, classes };
  const fields = describeFields(`${where}, fields`, own.fields ?? {}, fieldContext);
  const ways = typeof of === 'object' ? Object.entries(of) : of === undefined ? [] : [[of, undefined] as const];
  const paths = ways.flatMap(([path, replaced]): PersonalPath[] =>
    describePath(context.catalog, `${where}, of`, classes, path, context.isSubject).map((way) => ({
      name: path,
      ...way,
      fields:
        replaced === undefined || of !== own.of
          ? fields
          : describeFields(`${where}, of.${path}.fields`, replaced, fieldContext),
    })),
  );
  const all: PersonalPath[] = [...(subject ? [{ name: '', edges: [], subject: meta, fields }] : []), ...paths];
  const notPersonal = (own.notPersonal ?? []).flatMap((name) => {
    const found = findProperty(`${where}, notPersonal`, classes, name);
    return [found.prop.name, ...columnsOf(found).map(({ prop }) => prop.name)];
  });
  const replaced = all.flatMap((path) => path.fields.map(({ name }) => name));
  const twice = notPersonal.find((name) => replaced.includes(name));
  if (twice !== undefined) {
    throw new SoftDeleteConfigError(
      `${where}, notPersonal`,
      `${twice} is also among the fields that are replaced.`,
      'Remove it from one of the two.',
    );
  }
  return {
    meta,
    where,
    isSubject: subject,
    paths: all,
    erasesRow: own.erase === 'row',
    keep: own.keep && describeKeep(`${where}, keep`, own.keep, fieldContext),
    covered: new Set([...replaced, ...notPersonal]),
  };
}

/** A class below a declared one may say what becomes of its own properties only. */
function whoseRows(
  { meta, mark }: Declaration,
  { declarations }: DescriptionContext,
): { readonly subject: boolean; readonly of: PersonalDataOptions['of'] } {
  const { subject = false, of } = mark.options as PersonalDataOptions;
  if (subject || of !== undefined) {
    return { subject, of };
  }
  const above = declarations.find((other) => isBelow(meta, other.meta) && other.mark.options !== 'none');
  if (!above) {
    throw new SoftDeleteConfigError(
      mark.where,
      'nothing says whose data its rows are.',
      "Write subject: true if they are the persons themselves, or of: 'customer' with the path to the person.",
    );
  }
  const options = above.mark.options as PersonalDataOptions;
  return { subject: options.subject ?? false, of: options.of };
}

function describeKeep(where: string, keep: LegalKeep, { classes }: FieldContext): ResolvedKeep {
  const { meta, prop } = findProperty(`${where}.from`, classes, keep.from);
  if (!/^(date|timestamp)/i.test(prop.columnTypes?.[0] ?? '')) {
    throw new SoftDeleteConfigError(
      `${where}.from`,
      `${meta.className}.${prop.name} is not a time.`,
      'Name the property with the time at which the period starts.',
    );
  }
  return {
    interval: intervalOf(`${where}.for`, keep.for),
    ground: keep.ground,
    property: prop.name,
    table: owningTable(meta, prop),
    column: prop.fieldNames[0]!,
  };
}

function refuseViews(metas: readonly EntityMetadata[]): void {
  for (const meta of metas.filter(({ view, virtual }) => view || virtual)) {
    const mark = ownPersonalDataMark(meta.class);
    if (mark && mark.options !== 'none') {
      throw new SoftDeleteConfigError(
        mark.where,
        'the class is a view or a query, of which nothing can be erased.',
        'Declare the entity whose table it reads.',
      );
    }
  }
}

function refuseSecondSubjects(subjects: readonly EntityMetadata[]): void {
  for (const subject of subjects) {
    const other = subjects.find((one) => isBelow(one, subject));
    if (other) {
      throw new SoftDeleteConfigError(
        `@PersonalData() on ${other.className}, subject`,
        `its rows are already persons by the declaration of ${subject.className}.`,
        `Leave it out: ${other.className} inherits it.`,
      );
    }
  }
}

/**
 * Whether the one may have rows of the other. Told by classes: the metadata at the end of a relation is a copy of that in the storage
 * (`EntitySchema.fromMetadata` in `MetadataDiscovery.js`).
 *
 * @internal
 */
export function isRelated(one: EntityMetadata, other: EntityMetadata): boolean {
  return one.class === other.class || isBelow(one, other) || isBelow(other, one);
}

function isBelow(meta: EntityMetadata, other: EntityMetadata): boolean {
  return meta.root === other.root && other.class.isPrototypeOf(meta.class);
}
