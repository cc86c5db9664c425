import type { EntityMetadata } from '@mikro-orm/core';

/** Works out once for each class what is the same for all of its entities. @internal */
export function perClass<Result>(workOut: (meta: EntityMetadata) => Result): (meta: EntityMetadata) => Result {
  const known = new Map<EntityMetadata, Result>();
  return (meta) => {
    if (!known.has(meta)) {
      known.set(meta, workOut(meta));
    }
    return known.get(meta)!;
  };
}
