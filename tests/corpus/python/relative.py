from . import sibling
from ..parent import thing
from .numpy import not_that_one
