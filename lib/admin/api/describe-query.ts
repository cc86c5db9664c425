import { describeParameter } from '../../http/open-api/describe-parameter.js';

/** Describes optional query parameters of a route to OpenAPI. The decorator of the route stands below it. @internal */
export function DescribeQuery(descriptions: Readonly<Record<string, string>>): MethodDecorator {
  return (_target, _name, { value }) => {
    for (const [name, description] of Object.entries(descriptions)) {
      describeParameter(value as object, { in: 'query', name, description, schema: { type: 'string' } });
    }
  };
}
