import { DefinitionTarget } from './definition-target.js';

/**
 * A decorator for classes and properties, of TypeScript (`experimentalDecorators`) and of ECMAScript alike.
 *
 * @publicApi
 */
export type SchemaDecorator = (target: any, property?: any) => void;

/**
 * Finds out which kind of decorator was applied to what.
 *
 * @internal
 */
export function decorate(apply: (target: DefinitionTarget, property?: string) => void): SchemaDecorator {
  return (target: unknown, second?: string | symbol | ClassDecoratorContext | ClassMemberDecoratorContext): void => {
    if (typeof second === 'object') {
      if (second.kind === 'class') {
        apply(DefinitionTarget.ofClass(target as Function, second));
      } else {
        apply(DefinitionTarget.ofField(second), String(second.name));
      }
    } else if (typeof target === 'function') {
      apply(DefinitionTarget.ofClass(target));
    } else {
      apply(DefinitionTarget.ofClass((target as object).constructor), String(second));
    }
  };
}
