import datetime as dt
from openpyxl import Workbook
import pandas as pd

wb = Workbook()
wb.active.append([dt.date.today(), len(pd.DataFrame())])
wb.save("report.xlsx")
