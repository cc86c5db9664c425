import { closestName } from '../../../lib/options/closest-name.js';

describe(closestName.name, () => {
  const known = ['Customer', 'Order', 'OrderLine', 'User'];

  it.each([
    ['Usr', 'User'],
    ['user', 'User'],
    ['Costumer', 'Customer'],
    ['Orders', 'Order'],
    ['OrderLines', 'OrderLine'],
  ])('takes %s for %s', (name, meant) => {
    expect(closestName(name, known)).toBe(meant);
  });

  it.each(['Invoice', 'X', ''])('knows nothing near %p', (name) => {
    expect(closestName(name, known)).toBeUndefined();
  });
});
