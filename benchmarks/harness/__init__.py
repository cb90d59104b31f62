"""What every measurement needs: processes and their times, the machine, medians, tables, a chart, images."""
