import type { AnyEntityName } from '../../../options/any-of-the-orm.js';
import type { DeletionHandler, DeletionHookOptions } from '../../../deletion/hooks/deletion-hook.js';
import { MethodMark } from '../../../metadata/method-mark.js';

/** What is called before rows of an entity are erased. @internal */
export interface ErasureHook {
  readonly entity: AnyEntityName;
  readonly handler: DeletionHandler;
  readonly fields: readonly string[];
}

/** What `@OnErase()` says about a method. @internal */
export interface ErasureMark {
  readonly entity: AnyEntityName;
  readonly options: DeletionHookOptions;
}

/** @internal */
export const ON_ERASE = new MethodMark<ErasureMark>('on-erase');
