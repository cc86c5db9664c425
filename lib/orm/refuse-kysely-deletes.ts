import type { EntityManager } from '@mikro-orm/postgresql';
import { PhysicalDeletionError } from '../errors/physical-deletion.error.js';
import { mappedTables } from '../metadata/mapped-tables.js';
import { schemaName } from '../metadata/schema-name.js';
import type { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';

/** A statement of Kysely, or a part of one. */
interface Node {
  readonly kind: string;
}

/** What Kysely calls a plugin, as far as it is needed here. */
interface Plugin {
  transformQuery(args: { node: Node }): Node;
  transformResult(args: { result: unknown }): Promise<unknown>;
}

/**
 * A plugin for `em.getKysely()` that refuses to delete soft-deletable rows, as query builders do: also in a common table expression, and
 * by `MERGE`. It has to come last, so that it sees the names of tables and not those of entities.
 *
 * @internal
 */
export function refuseKyselyDeletes(em: EntityManager, catalog: SoftDeleteCatalog): Plugin {
  return {
    transformQuery({ node }) {
      const otherwise = em.getPlatform().getDefaultSchemaName();
      for (const { name, schema } of emptiedTables(node)) {
        const meta = mappedTables(catalog.getMetadata())
          .filter((other) => catalog.findMarked(other))
          .find((other) => {
            const own = schemaName(em, other) ?? otherwise;
            const isThere = schema === undefined || other.schema === '*' || own === schema;
            return other.tableName === name && isThere;
          });
        if (meta) {
          throw new PhysicalDeletionError(meta.className, 'A deletion of getKysely()');
        }
      }
      return node;
    },
    // oxlint-disable-next-line require-await
    transformResult: async ({ result }) => result,
  };
}

function* emptiedTables(part: unknown): Generator<{ name: string; schema: string | undefined }> {
  if (typeof part !== 'object' || part === null) {
    return;
  }
  const node = part as any;
  if (node.kind === 'DeleteQueryNode') {
    yield* node.from.froms.flatMap(namesOf);
  }
  if (node.kind === 'MergeQueryNode' && node.whens?.some(removes)) {
    yield* namesOf(node.into);
  }
  // What a value node holds is the application's own, and may be of any size and shape.
  if (node.kind !== 'ValueNode' && node.kind !== 'PrimitiveValueListNode') {
    for (const inner of Object.values(part)) {
      yield* emptiedTables(inner);
    }
  }
}

function removes({ result }: any): boolean {
  return result?.kind === 'RawNode' && result.sqlFragments.join('').trim() === 'delete';
}

function namesOf(node: any): { name: string; schema: string | undefined }[] {
  const table = node.kind === 'AliasNode' ? node.node : node;
  return table.kind === 'TableNode' ? [{ name: table.table.identifier.name, schema: table.table.schema?.name }] : [];
}
