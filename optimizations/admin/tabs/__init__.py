"""The tabs of an optimization's page, one module each; `registry` has their order.

To fill a tab, edit its module and its template in `levered_admin/optimization/`: the one
function `build_context(request, optimization)` returns what the template needs. To add a
tab, write such a module with a `TAB`, name it in `registry.TABS` and in the import
contract of this package. Address, head, row of tabs, roles and the tenancy walk of the
tests come by themselves.
"""
