import type { AnyEntityName } from '../options/any-of-the-orm.js';
import { MethodMark } from '../metadata/method-mark.js';
import type { OnPurgeOptions } from './purge-hook.js';

/** What `@OnPurge()` says about a method. @internal */
export interface PurgeMark {
  readonly entity: AnyEntityName;
  readonly options: OnPurgeOptions;
}

/** @internal */
export const ON_PURGE = new MethodMark<PurgeMark>('on-purge');
