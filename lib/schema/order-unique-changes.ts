import type { MetadataStorage, Platform } from '@mikro-orm/core';
import type { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { findActiveUniques } from './find-active-uniques.js';

/**
 * Lets the ORM treat a property that is unique among active rows as the unique one it is: when one row gives its value up and
 * another takes it in the same flush, the first is written before the second. The ORM does so for properties with
 * `unique: true` only, and what is unique among active rows cannot have that.
 *
 * @internal
 */
export function orderUniqueChanges(storage: MetadataStorage, catalog: SoftDeleteCatalog, platform: Platform): void {
  for (const meta of storage) {
    const entry = catalog.find(meta);
    for (const { properties } of entry ? findActiveUniques(entry, platform) : []) {
      const prop = properties.length === 1 ? meta.properties[properties[0]!] : undefined;
      if (prop && !meta.uniqueProps.includes(prop)) {
        meta.uniqueProps.push(prop);
      }
    }
  }
}
